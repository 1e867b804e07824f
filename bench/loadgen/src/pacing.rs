//! When which connection sends next. No IO and no clock: `now` is given.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use crate::random::Random;

/// A request that may be sent: by whom, and when it should have been.
pub type Turn = (usize, Instant);

pub enum Pacing {
    Closed(ClosedLoop),
    Open(OpenLoop),
}

impl Pacing {
    /// Give the next request that is due; None when none is, or no connection is free.
    pub fn due(&mut self, now: Instant) -> Option<Turn> {
        match self {
            Self::Closed(closed) => closed.due(now),
            Self::Open(open) => open.due(now),
        }
    }

    /// When `due` may give something without any connection becoming free.
    pub fn wakes(&self) -> Option<Instant> {
        match self {
            Self::Closed(closed) => closed.ready.peek().map(|Reverse((at, _))| *at),
            Self::Open(open) => (!open.idle.is_empty()).then_some(open.next),
        }
    }

    /// A connection is free again; `pause` is what a refusal asked for.
    pub fn freed(&mut self, connection: usize, now: Instant, pause: Option<Duration>) {
        match self {
            Self::Closed(closed) => closed.freed(connection, now, pause),
            Self::Open(open) => open.idle.push_back(connection),
        }
    }

    /// How many requests should have been sent until `end` and were not.
    pub fn unsent(&mut self, end: Instant) -> usize {
        match self {
            Self::Closed(_) => 0,
            Self::Open(open) => {
                open.arrive(end);
                open.waiting.len()
            }
        }
    }
}

/// Each connection sends again after its answer and a pause.
pub struct ClosedLoop {
    ready: BinaryHeap<Reverse<(Instant, usize)>>,
    think_ms: RangeInclusive<u64>,
    random: Random,
}

impl ClosedLoop {
    /// All connections begin within one pause, so that they don't move in step.
    pub fn new(
        connections: usize,
        think_ms: RangeInclusive<u64>,
        start: Instant,
        random: Random,
    ) -> Self {
        let mut closed = Self {
            ready: BinaryHeap::new(),
            think_ms,
            random,
        };
        for connection in 0..connections {
            let first = closed.random.below(closed.think_ms.end() + 1);
            closed
                .ready
                .push(Reverse((start + Duration::from_millis(first), connection)));
        }
        closed
    }

    fn due(&mut self, now: Instant) -> Option<Turn> {
        let Reverse((at, _)) = self.ready.peek()?;
        if *at > now {
            return None;
        }
        self.ready
            .pop()
            .map(|Reverse((_, connection))| (connection, now))
    }

    fn freed(&mut self, connection: usize, now: Instant, pause: Option<Duration>) {
        let (low, high) = (*self.think_ms.start(), *self.think_ms.end());
        let think = Duration::from_millis(low + self.random.below(high - low + 1));
        let wait = think.max(pause.unwrap_or_default());
        self.ready.push(Reverse((now + wait, connection)));
    }
}

/// Requests come at a fixed rate, whether connections are free or not.
pub struct OpenLoop {
    gap_s: f64,
    poisson: bool,
    next: Instant,
    waiting: VecDeque<Instant>,
    /// Oldest first: all are used in turn, as by many users.
    idle: VecDeque<usize>,
    random: Random,
}

impl OpenLoop {
    pub fn new(
        connections: usize,
        rate: f64,
        poisson: bool,
        start: Instant,
        random: Random,
    ) -> Self {
        Self {
            gap_s: 1.0 / rate,
            poisson,
            next: start,
            waiting: VecDeque::new(),
            idle: (0..connections).collect(),
            random,
        }
    }

    fn due(&mut self, now: Instant) -> Option<Turn> {
        self.arrive(now);
        let intended = *self.waiting.front()?;
        let connection = self.idle.pop_front()?;
        self.waiting.pop_front();
        Some((connection, intended))
    }

    fn arrive(&mut self, now: Instant) {
        while self.next <= now {
            self.waiting.push_back(self.next);
            let gap = if self.poisson {
                -(1.0 - self.random.unit()).ln()
            } else {
                1.0
            };
            self.next += Duration::from_secs_f64(self.gap_s * gap);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ClosedLoop, OpenLoop, Pacing};
    use crate::random::Random;
    use std::time::{Duration, Instant};

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_open_loop_keeps_the_intended_times() {
        let start = Instant::now();
        let mut pacing = Pacing::Open(OpenLoop::new(1, 10.0, false, start, Random::new(1)));
        assert_eq!(pacing.due(start), Some((0, start)));
        assert_eq!(
            pacing.due(start + SECOND),
            None,
            "the only connection is busy"
        );
        pacing.freed(0, start + SECOND, None);
        let second = pacing.due(start + SECOND);
        assert_eq!(second, Some((0, start + Duration::from_millis(100))));
        assert_eq!(pacing.unsent(start + SECOND), 9);
    }

    #[test]
    fn poisson_gaps_have_the_mean() {
        let start = Instant::now();
        let mut pacing = Pacing::Open(OpenLoop::new(0, 1000.0, true, start, Random::new(1)));
        let sent = pacing.unsent(start + 10 * SECOND);
        assert!((9_700..10_300).contains(&sent), "{sent}");
    }

    #[test]
    fn the_closed_loop_waits_as_long_as_asked() {
        let start = Instant::now();
        let mut pacing = Pacing::Closed(ClosedLoop::new(1, 0..=0, start, Random::new(1)));
        assert_eq!(pacing.due(start), Some((0, start)));
        pacing.freed(0, start, Some(SECOND));
        assert_eq!(pacing.due(start), None);
        assert_eq!(pacing.wakes(), Some(start + SECOND));
        assert!(pacing.due(start + SECOND).is_some());
    }
}
