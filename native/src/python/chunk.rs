//! Python's view of the consumer's side: `Chunk`, `Row`, `EntryError`.
//!
//! What Python reads is copied into `bytes` once: 0.006 µs a row at 1 MiB, 0.017 at 16 MiB. A buffer over the chunk
//! itself would save that and need `unsafe` and a lock against a push; it is not worth either.

use std::collections::{BTreeMap, HashSet};

use pyo3::exceptions::{PyIndexError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyMemoryView};

use crate::chunk::{Chunk as Core, Kind, LedgerKey};
use crate::entry::{self, Header};
use crate::keys;
use crate::tuple::Tuple;

pyo3::create_exception!(
    ingest._native,
    EntryError,
    PyValueError,
    "An entry that cannot be read. `code` is stable, the text is for people."
);

/// (fingerprint, producer, sequence, flags, rows) of a header.
type Peeked<'py> = (Bound<'py, PyBytes>, u64, u64, u16, u32);

/// (project id, unix hour of receipt, rows).
type LedgerLine<'py> = (Bound<'py, PyBytes>, i64, u64);

fn lines<'py>(py: Python<'py>, ledger: &BTreeMap<LedgerKey, u64>) -> Vec<LedgerLine<'py>> {
    let line =
        |((project, hour), rows): (&LedgerKey, &u64)| (PyBytes::new(py, project), *hour, *rows);
    ledger.iter().map(line).collect()
}

/// The Python exception, with its code as an attribute.
pub fn raised(py: Python<'_>, error: entry::EntryError) -> PyErr {
    let raised = EntryError::new_err(error.to_string());
    match raised.value(py).setattr("code", error.code()) {
        Ok(()) => raised,
        Err(failed) => failed,
    }
}

fn kind(kind: u8) -> PyResult<Kind> {
    match kind {
        0 => Ok(Kind::Straight),
        1 => Ok(Kind::Named),
        _ => Err(PyValueError::new_err("kind is 0 (straight) or 1 (named)")),
    }
}

#[pyclass(module = "ingest._native")]
#[derive(Default)]
pub struct Chunk(Core);

#[pymethods]
impl Chunk {
    #[new]
    fn new() -> Self {
        Self::default()
    }

    fn push(&mut self, py: Python<'_>, header: &[u8], data: &[u8]) -> PyResult<usize> {
        self.0.push(header, data).map_err(|error| raised(py, error))
    }

    #[staticmethod]
    fn peek<'py>(py: Python<'py>, header: &[u8]) -> PyResult<Peeked<'py>> {
        let read = Header::read(header).map_err(|error| raised(py, error))?;
        let stamp = read.stamp;
        let fingerprint = PyBytes::new(py, &stamp.fingerprint);
        Ok((
            fingerprint,
            stamp.producer,
            stamp.sequence,
            stamp.flags,
            read.rows,
        ))
    }

    #[staticmethod]
    fn claimed_rows(header: &[u8]) -> u32 {
        Header::claimed_rows(header)
    }

    #[getter]
    fn rows(&self) -> usize {
        self.straight_rows() + self.named_rows()
    }

    #[getter]
    fn nbytes(&self) -> usize {
        self.0.nbytes()
    }

    #[getter]
    fn straight_rows(&self) -> usize {
        self.0.rows(Kind::Straight)
    }

    #[getter]
    fn named_rows(&self) -> usize {
        self.0.rows(Kind::Named)
    }

    #[getter]
    fn straight<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyMemoryView>> {
        PyMemoryView::from(&PyBytes::new(py, self.0.bytes(Kind::Straight)))
    }

    #[getter]
    fn named<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyMemoryView>> {
        PyMemoryView::from(&PyBytes::new(py, self.0.bytes(Kind::Named)))
    }

    #[getter]
    fn ledger<'py>(&self, py: Python<'py>) -> Vec<LedgerLine<'py>> {
        lines(py, self.0.ledger())
    }

    #[getter]
    fn days(&self) -> Vec<i64> {
        self.0.days().iter().copied().collect()
    }

    #[pyo3(signature = (kind, start, stop))]
    fn tuples<'py>(
        &self,
        py: Python<'py>,
        kind: u8,
        start: usize,
        stop: usize,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let tuples = self.0.tuples(self::kind(kind)?, start..stop);
        let tuples = tuples.ok_or_else(|| PyIndexError::new_err("no such rows"))?;
        let header = crate::tuple::COPY_HEADER;
        PyBytes::new_with(py, header.len() + tuples.len(), |out| {
            let (head, tail) = out.split_at_mut(header.len());
            head.copy_from_slice(&header);
            tail.copy_from_slice(tuples);
            Ok(())
        })
    }

    #[pyo3(signature = (kind, projects))]
    #[allow(clippy::needless_pass_by_value, reason = "extracted from a Python set")]
    fn keys(&self, kind: u8, projects: HashSet<[u8; 16]>) -> PyResult<Keys> {
        Ok(Keys(self.0.keys(self::kind(kind)?, &projects)))
    }

    #[pyo3(signature = (kind, rows))]
    #[allow(clippy::needless_pass_by_value, reason = "extracted from a Python set")]
    fn without<'py>(
        &self,
        py: Python<'py>,
        kind: u8,
        rows: HashSet<usize>,
    ) -> PyResult<Bound<'py, PyMemoryView>> {
        let stream = self.0.without(self::kind(kind)?, &rows);
        PyMemoryView::from(&PyBytes::new(py, &stream))
    }

    #[pyo3(signature = (kind, rows))]
    #[allow(clippy::needless_pass_by_value, reason = "extracted from a Python set")]
    fn ledger_of<'py>(
        &self,
        py: Python<'py>,
        kind: u8,
        rows: HashSet<usize>,
    ) -> PyResult<Vec<LedgerLine<'py>>> {
        Ok(lines(py, &self.0.ledger_of(self::kind(kind)?, &rows)))
    }

    #[pyo3(signature = (kind, index))]
    fn row(&self, kind: u8, index: usize) -> PyResult<Row> {
        let row = self.0.row(self::kind(kind)?, index);
        row.map(|tuple| Row::from(&tuple))
            .ok_or_else(|| PyIndexError::new_err("no such row"))
    }
}

/// The keys of some rows, to ask a table which of them it has.
#[pyclass(module = "ingest._native", frozen)]
pub struct Keys(keys::Keys);

#[pymethods]
impl Keys {
    #[getter]
    fn rows(&self) -> Vec<usize> {
        self.0.rows.clone()
    }

    #[getter]
    fn repeated(&self) -> Vec<usize> {
        self.0.repeated.clone()
    }

    #[getter]
    fn event_ids<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.event_ids)
    }

    #[getter]
    fn project_ids<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.project_ids)
    }

    #[getter]
    fn timestamps<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.timestamps)
    }
}

/// One decoded row, for dead letters and people. Text that is not UTF-8 shows U+FFFD; `raw` is exact.
#[pyclass(module = "ingest._native", frozen, get_all)]
pub struct Row {
    event_id: [u8; 16],
    project_id: [u8; 16],
    timestamp_us: i64,
    received_at_us: i64,
    event_type: String,
    user_id: Option<String>,
    session_id: Option<String>,
    properties: String,
    raw: Vec<u8>,
}

impl From<&Tuple<'_>> for Row {
    fn from(tuple: &Tuple<'_>) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            event_id: tuple.event_id,
            project_id: tuple.project_id,
            timestamp_us: tuple.timestamp_us,
            received_at_us: tuple.received_at_us,
            event_type: text(tuple.event_type),
            user_id: tuple.user_id.map(text),
            session_id: tuple.session_id.map(text),
            properties: text(tuple.properties),
            raw: tuple.raw.to_vec(),
        }
    }
}
