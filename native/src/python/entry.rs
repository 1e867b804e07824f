//! Python's view of packing: `pack_entry`, called once for each entry that a worker appends.

use std::borrow::Cow;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::entry::{Stamp, pack};

use super::chunk::raised;
use super::encoder::Batch;

/// Header and data.
type Packed<'py> = (Bound<'py, PyBytes>, Bound<'py, PyBytes>);

#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "extracted from Python")]
#[pyo3(signature = (batches, fingerprint, producer, sequence, *, compress))]
pub fn pack_entry<'py>(
    py: Python<'py>,
    batches: Vec<PyRef<'py, Batch>>,
    fingerprint: [u8; 8],
    producer: u64,
    sequence: u64,
    compress: bool,
) -> PyResult<Packed<'py>> {
    let flags = shared_flags(&batches)?;
    let rows = batches
        .iter()
        .map(|batch| batch.0.event_ids.len())
        .sum::<usize>();
    let rows = u32::try_from(rows).map_err(|_| PyValueError::new_err("too many rows"))?;
    let joined = join(py, &batches)?;
    let stamp = Stamp {
        fingerprint,
        producer,
        sequence,
        flags,
    };
    let packed = pack(stamp, rows, joined.as_bytes(), compress);
    let (header, data) = packed.map_err(|error| raised(py, error))?;
    let data = match data {
        Cow::Borrowed(_) => joined.clone(),
        Cow::Owned(data) => PyBytes::new(py, &data),
    };
    Ok((PyBytes::new(py, &header), data))
}

fn shared_flags(batches: &[PyRef<'_, Batch>]) -> PyResult<u16> {
    let mut flags = batches.iter().map(|batch| batch.0.flags());
    let first = flags
        .next()
        .ok_or_else(|| PyValueError::new_err("an entry needs a batch"))?;
    if flags.all(|other| other == first) {
        return Ok(first);
    }
    Err(PyValueError::new_err(
        "the batches of an entry must have the same flags",
    ))
}

fn join<'py>(py: Python<'py>, batches: &[PyRef<'py, Batch>]) -> PyResult<Bound<'py, PyBytes>> {
    let bytes = batches.iter().map(|batch| batch.0.tuples.len()).sum();
    PyBytes::new_with(py, bytes, |out| {
        let mut rest = out;
        for batch in batches {
            let (place, tail) = rest.split_at_mut(batch.0.tuples.len());
            place.copy_from_slice(&batch.0.tuples);
            rest = tail;
        }
        Ok(())
    })
}
