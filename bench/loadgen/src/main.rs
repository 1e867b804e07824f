//! Drives an HTTP service with prepared bodies and tells what it answered, as JSON on stdout.
//!
//! One thread over epoll, so that it costs the measured machine little. Linux 5.11 or later.

mod answer;
mod bodies;
mod connection;
mod driver;
mod ids;
mod options;
mod pacing;
mod random;
mod tally;
mod timeline;

use std::process::ExitCode;

use driver::Driver;
use options::Options;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("loadgen: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let options = Options::from_arguments()?;
    let prepared = bodies::load(&options)?;
    let report = Driver::new(&options, &prepared)?.run()?;
    serde_json::to_writer(std::io::stdout().lock(), &report)?;
    Ok(())
}
