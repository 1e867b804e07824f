//! Python's view of the worker's side: `Encoder` and `Batch`.
//!
//! The interpreter lock stays held while encoding: 80 µs for a batch of 200, less than taking the lock back may cost
//! under contention. The body is read where it is: bytes and ASCII text uncopied, other text as the UTF-8 that the
//! interpreter makes of it once.

use std::sync::Arc;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

use crate::batch;
use crate::limits::{MAX_AGE_S, MAX_AHEAD_S};
use crate::request::{Request, Shape};
use crate::timestamp::{POSTGRES_EPOCH_US, SECOND_US};

use super::schema::{Limits, Schema};

pub const SHAPE_EVENT: u8 = 0;
pub const SHAPE_BATCH: u8 = 1;
pub const SHAPE_NATIVE: u8 = 2;

/// Receive times a tuple can carry, the window around them included: 2000 to 9999.
const OLDEST_US: i64 = POSTGRES_EPOCH_US + MAX_AGE_S * SECOND_US;
const NEWEST_US: i64 = 253_402_300_799_999_999 - MAX_AHEAD_S * SECOND_US;

/// Encodes one request at a time. One for each worker.
#[pyclass(module = "ingest._native")]
pub struct Encoder(batch::Encoder);

#[pymethods]
impl Encoder {
    #[new]
    #[pyo3(signature = (schema, limits, *, seed))]
    fn new(schema: &Schema, limits: &Limits, seed: &[u8]) -> PyResult<Self> {
        let seed = seed
            .try_into()
            .map_err(|_| PyValueError::new_err("seed must have 32 bytes"))?;
        Ok(Self(batch::Encoder::new(
            Arc::clone(&schema.0),
            limits.0.clone(),
            seed,
        )))
    }

    #[pyo3(signature = (body, project_id, received_at_us, shape, *, idempotency_key=None, strict=false, minimal=false))]
    #[expect(clippy::too_many_arguments, reason = "the parts of a request")]
    fn encode(
        &mut self,
        body: &Bound<'_, PyAny>,
        project_id: &[u8],
        received_at_us: i64,
        shape: u8,
        idempotency_key: Option<&str>,
        strict: bool,
        minimal: bool,
    ) -> PyResult<Batch> {
        let request = Request {
            project_id: project_id
                .try_into()
                .map_err(|_| PyValueError::new_err("project_id must have 16 bytes"))?,
            received_at_us: checked_time(received_at_us)?,
            shape: checked_shape(shape)?,
            idempotency_key,
            is_strict: strict,
            is_minimal: minimal,
        };
        self.encode_body(body, &request).map(Batch)
    }
}

impl Encoder {
    /// A str that holds half of a surrogate pair has no UTF-8: its bytes are made so that they are refused as such.
    fn encode_body(
        &mut self,
        body: &Bound<'_, PyAny>,
        request: &Request,
    ) -> PyResult<batch::Batch> {
        if let Ok(text) = body.cast::<PyString>() {
            if let Ok(text) = text.to_str() {
                return Ok(self.0.encode(text, request));
            }
            let bytes = text.call_method1("encode", ("utf-8", "surrogatepass"))?;
            return Ok(self
                .0
                .encode_bytes(bytes.cast::<PyBytes>()?.as_bytes(), request));
        }
        match body.cast::<PyBytes>() {
            Ok(bytes) => Ok(self.0.encode_bytes(bytes.as_bytes(), request)),
            Err(_) => Err(PyTypeError::new_err("body must be str or bytes")),
        }
    }
}

fn checked_time(received_at_us: i64) -> PyResult<i64> {
    if (OLDEST_US..=NEWEST_US).contains(&received_at_us) {
        return Ok(received_at_us);
    }
    Err(PyValueError::new_err(
        "received_at_us must be microseconds since 1970, within the years 2000 to 9999",
    ))
}

fn checked_shape(shape: u8) -> PyResult<Shape> {
    match shape {
        SHAPE_EVENT => Ok(Shape::Event),
        SHAPE_BATCH => Ok(Shape::Batch),
        SHAPE_NATIVE => Ok(Shape::Native),
        _ => Err(PyValueError::new_err(
            "shape must be SHAPE_EVENT, SHAPE_BATCH or SHAPE_NATIVE",
        )),
    }
}

/// (index, code, field, message) of a rejected event.
type Rejected = (u32, &'static str, String, String);

/// An encoded request.
#[pyclass(module = "ingest._native", frozen)]
pub struct Batch(pub batch::Batch);

#[pymethods]
impl Batch {
    #[getter]
    fn status(&self) -> u16 {
        self.0.verdict.status
    }

    #[getter]
    fn response<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.response)
    }

    #[getter]
    fn code(&self) -> &'static str {
        self.0
            .verdict
            .code
            .map_or("accepted", crate::reject::Code::name)
    }

    #[getter]
    fn rows(&self) -> usize {
        self.0.event_ids.len()
    }

    #[getter]
    fn nbytes(&self) -> usize {
        self.0.tuples.len()
    }

    #[getter]
    fn tuples<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.tuples)
    }

    #[getter]
    fn flags(&self) -> u16 {
        self.0.flags()
    }

    #[getter]
    fn shard_hash(&self) -> u64 {
        self.0.shard_hash
    }

    #[getter]
    fn event_ids<'py>(&self, py: Python<'py>) -> Vec<Bound<'py, PyBytes>> {
        self.0
            .event_ids
            .iter()
            .map(|id| PyBytes::new(py, id))
            .collect()
    }

    #[getter]
    fn rejections(&self) -> Vec<Rejected> {
        let told = self.0.told();
        told.map(|told| (told.index, told.code.name(), told.field, told.message))
            .collect()
    }

    /// How many events were rejected for each code, for metrics.
    #[getter]
    fn reject_counts(&self) -> Vec<(&'static str, usize)> {
        let mut counts = std::collections::BTreeMap::new();
        for rejection in &self.0.rejections {
            *counts.entry(rejection.code).or_insert(0) += 1;
        }
        counts
            .into_iter()
            .map(|(code, count)| (code.name(), count))
            .collect()
    }

    fn __repr__(&self) -> String {
        format!(
            "Batch(status={}, code={}, rows={})",
            self.status(),
            self.code(),
            self.rows()
        )
    }
}
