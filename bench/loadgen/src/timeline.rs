//! What happened in each second of a run.

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::tally::latencies;

#[derive(Default, Serialize)]
pub struct Second {
    pub sent: u64,
    pub accepted: u64,
    pub events: u64,
    pub refused: u64,
    pub lost: u64,
    /// Of accepted requests, in microseconds; 0 without any.
    pub p50_us: u64,
    pub p99_us: u64,
    pub max_us: u64,
}

/// Seconds in order; the last one is still open.
pub struct Timeline {
    seconds: Vec<Second>,
    latency: Histogram<u64>,
}

impl Timeline {
    pub fn new() -> Self {
        Self {
            seconds: vec![Second::default()],
            latency: latencies(),
        }
    }

    /// The second that `elapsed_s` lies in; earlier ones are closed.
    pub fn at(&mut self, elapsed_s: usize) -> &mut Second {
        while self.seconds.len() <= elapsed_s {
            self.close();
            self.seconds.push(Second::default());
        }
        let last = self.seconds.len() - 1;
        &mut self.seconds[last]
    }

    pub fn record(&mut self, latency_us: u64) {
        self.latency.saturating_record(latency_us);
    }

    pub fn finish(mut self) -> Vec<Second> {
        self.close();
        self.seconds
    }

    fn close(&mut self) {
        if let Some(second) = self.seconds.last_mut() {
            second.p50_us = self.latency.value_at_quantile(0.5);
            second.p99_us = self.latency.value_at_quantile(0.99);
            second.max_us = self.latency.max();
        }
        self.latency.reset();
    }
}
