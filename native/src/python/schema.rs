//! Python's view of the policies: `Schema`, `SchemaError`, `Limits`.

use std::sync::Arc;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use crate::{limits, schema};

pyo3::create_exception!(
    ingest._native,
    SchemaError,
    PyValueError,
    "A schema's text cannot be used; the message names the path and why."
);

/// A compiled schema.
#[pyclass(module = "ingest._native", frozen)]
pub struct Schema(pub Arc<schema::Schema>);

#[pymethods]
impl Schema {
    #[new]
    fn new(text: &str) -> PyResult<Self> {
        match schema::Schema::new(text) {
            Ok(schema) => Ok(Self(Arc::new(schema))),
            Err(error) => Err(SchemaError::new_err(error.to_string())),
        }
    }

    /// The rules that hold when none are configured.
    #[staticmethod]
    fn builtin() -> PyResult<Self> {
        Self::new(schema::BUILTIN)
    }

    #[getter]
    fn text(&self) -> &str {
        &self.0.text
    }

    #[getter]
    fn name(&self) -> &str {
        &self.0.name
    }

    #[getter]
    fn fingerprint<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.fingerprint)
    }

    #[getter]
    fn layout(&self) -> u16 {
        self.0.layout
    }

    #[getter]
    fn event_types<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.0.event_types().collect::<Vec<_>>())
    }
}

/// The bounds on what a client controls.
#[pyclass(module = "ingest._native", frozen)]
pub struct Limits(pub limits::Limits);

macro_rules! limits {
    ($($name:ident: $type:ty),* $(,)?) => {
        #[pymethods]
        impl Limits {
            /// What is left out has its default.
            #[new]
            #[pyo3(signature = (*, $($name = None),*))]
            #[expect(clippy::too_many_arguments, reason = "one keyword argument a bound")]
            fn new($($name: Option<$type>),*) -> PyResult<Self> {
                let mut limits = limits::Limits::default();
                $(
                    if let Some(bound) = $name {
                        limits.$name = bound;
                    }
                )*
                match limits.check() {
                    Ok(()) => Ok(Self(limits)),
                    Err(wrong) => Err(PyValueError::new_err(wrong)),
                }
            }

            $(
                #[getter]
                fn $name(&self) -> $type {
                    self.0.$name
                }
            )*
        }
    };
}

limits! {
    max_body_bytes: usize,
    max_batch_events: usize,
    max_compat_events: usize,
    max_event_bytes: usize,
    max_depth: usize,
    max_number_digits: usize,
    max_number_exponent: u32,
    max_indexed_bytes: usize,
    max_key_bytes: usize,
}
