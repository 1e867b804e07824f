//! Counts and latencies of a run, and the report that they make.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::answer::Answer;
use crate::connection::InFlight;
use crate::ids::Said;
use crate::timeline::{Second, Timeline};

const ACCEPTED: u16 = 202;
/// Refusals for now, that say when to come back.
const LATER: [u16; 2] = [429, 503];
/// Microseconds; three digits up to two minutes.
const LONGEST_US: u64 = 120_000_000;

pub fn latencies() -> Histogram<u64> {
    // With fixed bounds: recording what saturates never makes it larger.
    Histogram::new_with_bounds(1, LONGEST_US, 3)
        .unwrap_or_else(|_| unreachable!("the bounds are constants"))
}

#[derive(Serialize)]
pub struct Report {
    pub started_at: f64,
    /// Events of the largest request.
    pub largest: u32,
    pub elapsed_s: f64,
    /// All of the run, warm-up included: what the table is compared with.
    pub total: Counts,
    /// What was answered between the warm-up and the end, whenever it was asked.
    pub measured: Measured,
    pub statuses: BTreeMap<u16, u64>,
    /// Codes of problem details.
    pub codes: BTreeMap<String, u64>,
    /// From the intended time to the whole answer, of accepted requests.
    pub latency_us: Latency,
    pub refused_latency_us: Latency,
    /// From the intended time to the first byte sent: what the generator or its connections add.
    pub lateness_us: Latency,
    pub timeline: Vec<Second>,
}

#[derive(Clone, Copy, Default, Serialize)]
pub struct Counts {
    pub sent: u64,
    pub sent_events: u64,
    pub accepted: u64,
    pub events: u64,
    pub refused: u64,
    /// Of them, those for now that don't say when to come back.
    pub silent: u64,
    /// No answer: closed, timed out or still open at the end; the outcome is unknown.
    pub lost: u64,
    /// Due by the end, but no connection was free.
    pub unsent: u64,
    /// Acceptances whose ids can't be read, or are not as many as the events sent.
    pub mismatched: u64,
    /// Acceptances that say that a fsync came before them.
    pub synced: u64,
    pub connects: u64,
}

#[derive(Serialize)]
pub struct Measured {
    pub seconds: f64,
    pub requests: u64,
    pub events: u64,
}

#[derive(Serialize)]
pub struct Latency {
    count: u64,
    mean: f64,
    min: u64,
    p50: u64,
    p90: u64,
    p95: u64,
    p99: u64,
    p999: u64,
    max: u64,
    /// (quantile, value) with a few points for each halving of what is left.
    curve: Vec<(f64, u64)>,
}

pub struct Tally {
    pub total: Counts,
    /// What is answered later is not in the measured counts.
    pub end: Instant,
    start: Instant,
    warm: Instant,
    measured: (u64, u64),
    statuses: BTreeMap<u16, u64>,
    codes: BTreeMap<String, u64>,
    accepted: Histogram<u64>,
    refused: Histogram<u64>,
    lateness: Histogram<u64>,
    timeline: Timeline,
}

impl Tally {
    pub fn new(start: Instant, warmup: Duration, duration: Duration) -> Self {
        Self {
            total: Counts::default(),
            start,
            warm: start + warmup,
            end: start + duration,
            measured: (0, 0),
            statuses: BTreeMap::new(),
            codes: BTreeMap::new(),
            accepted: latencies(),
            refused: latencies(),
            lateness: latencies(),
            timeline: Timeline::new(),
        }
    }

    pub fn sent(&mut self, intended: Instant, now: Instant, events: u32) {
        self.total.sent += 1;
        self.total.sent_events += u64::from(events);
        self.second(now).sent += 1;
        if intended >= self.warm {
            self.lateness.saturating_record(micros(intended, now));
        }
    }

    /// Count the answer to a request of so many events and give the ids that it accepts.
    pub fn answered(
        &mut self,
        request: &InFlight,
        sent: u32,
        answer: &Answer,
        now: Instant,
    ) -> Vec<[u8; 16]> {
        *self.statuses.entry(answer.status).or_default() += 1;
        let latency_us = micros(request.intended, now);
        let is_warm = request.intended >= self.warm;
        if answer.status != ACCEPTED {
            self.refused(answer, now);
            let is_silent = LATER.contains(&answer.status) && answer.retry_after.is_none();
            self.total.silent += u64::from(is_silent);
            if is_warm {
                self.refused.saturating_record(latency_us);
            }
            return Vec::new();
        }
        let (ids, events) = self.accepted_events(&answer.body, u64::from(sent));
        self.total.accepted += 1;
        self.total.synced += u64::from(answer.is_synced);
        self.total.events += events;
        let second = self.second(now);
        second.accepted += 1;
        second.events += events;
        self.timeline.record(latency_us);
        if is_warm {
            self.accepted.saturating_record(latency_us);
        }
        if (self.warm..=self.end).contains(&now) {
            self.measured = (self.measured.0 + 1, self.measured.1 + events);
        }
        ids
    }

    pub fn lost(&mut self, now: Instant) {
        self.total.lost += 1;
        self.second(now).lost += 1;
    }

    pub fn report(self, started_at: f64, largest: u32, now: Instant) -> Report {
        Report {
            started_at,
            largest,
            elapsed_s: now.duration_since(self.start).as_secs_f64(),
            total: self.total,
            measured: Measured {
                seconds: self.end.duration_since(self.warm).as_secs_f64(),
                requests: self.measured.0,
                events: self.measured.1,
            },
            statuses: self.statuses,
            codes: self.codes,
            latency_us: latency(&self.accepted),
            refused_latency_us: latency(&self.refused),
            lateness_us: latency(&self.lateness),
            timeline: self.timeline.finish(),
        }
    }

    fn refused(&mut self, answer: &Answer, now: Instant) {
        self.total.refused += 1;
        self.second(now).refused += 1;
        let problem = serde_json::from_slice::<serde_json::Value>(&answer.body);
        let code = problem
            .ok()
            .and_then(|body| body.get("code")?.as_str().map(String::from));
        *self
            .codes
            .entry(code.unwrap_or_else(|| "none".into()))
            .or_default() += 1;
    }

    fn accepted_events(&mut self, body: &[u8], sent: u64) -> (Vec<[u8; 16]>, u64) {
        let said = Said::read(body).unwrap_or_default();
        let listed = said.ids.len() as u64;
        let events = said.accepted.unwrap_or(listed);
        if events != listed || events != sent {
            self.total.mismatched += 1;
        }
        (said.ids, events)
    }

    fn second(&mut self, now: Instant) -> &mut Second {
        let elapsed = now.duration_since(self.start).as_secs();
        self.timeline
            .at(usize::try_from(elapsed).unwrap_or(usize::MAX))
    }
}

fn micros(from: Instant, to: Instant) -> u64 {
    let elapsed = to.saturating_duration_since(from).as_micros();
    u64::try_from(elapsed).unwrap_or(LONGEST_US).min(LONGEST_US)
}

fn latency(histogram: &Histogram<u64>) -> Latency {
    let at = |quantile| histogram.value_at_quantile(quantile);
    Latency {
        count: histogram.len(),
        mean: histogram.mean(),
        min: histogram.min(),
        p50: at(0.5),
        p90: at(0.9),
        p95: at(0.95),
        p99: at(0.99),
        p999: at(0.999),
        max: histogram.max(),
        curve: histogram
            .iter_quantiles(4)
            .map(|step| (step.quantile_iterated_to(), step.value_iterated_to()))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::latencies;

    #[test]
    fn keeps_three_digits() {
        let mut histogram = latencies();
        histogram.saturating_record(1_234_567);
        let found = histogram.value_at_quantile(0.5);
        assert!(found.abs_diff(1_234_567) < 1_500, "{found}");
    }
}
