//! The Python extension `ingest._native`: a thin binding, the only place that names `PyO3`.

mod chunk;
mod encoder;
mod entry;
mod schema;

use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::entry::FLAG_NAMED;
use crate::{pgcopy, reject};

/// Never measure a debug build: tools ask for this first.
const BUILD_PROFILE: &str = if cfg!(debug_assertions) {
    "debug"
} else {
    "release"
};

#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    module.add("BUILD_PROFILE", BUILD_PROFILE)?;
    module.add("COPY_COLUMNS", PyTuple::new(py, pgcopy::COLUMNS)?)?;
    module.add("LAYOUT", pgcopy::LAYOUT)?;
    module.add("FLAG_NAMED", FLAG_NAMED)?;
    module.add("SHAPE_EVENT", encoder::SHAPE_EVENT)?;
    module.add("SHAPE_BATCH", encoder::SHAPE_BATCH)?;
    module.add("SHAPE_NATIVE", encoder::SHAPE_NATIVE)?;
    let codes = reject::Code::ALL
        .iter()
        .map(|code| (code.name(), code.about()));
    module.add("REJECT_CODES", PyTuple::new(py, codes.collect::<Vec<_>>())?)?;
    module.add("SchemaError", py.get_type::<schema::SchemaError>())?;
    module.add("EntryError", py.get_type::<chunk::EntryError>())?;
    module.add_class::<schema::Schema>()?;
    module.add_class::<schema::Limits>()?;
    module.add_class::<encoder::Encoder>()?;
    module.add_class::<encoder::Batch>()?;
    module.add_class::<chunk::Chunk>()?;
    module.add_class::<chunk::Keys>()?;
    module.add_class::<chunk::Row>()?;
    module.add_function(wrap_pyfunction!(entry::pack_entry, module)?)
}
