//! The event loop: sends when pacing says so, reads what comes, counts.

use std::io;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::buffer::spare_capacity;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::fd::OwnedFd;

use crate::bodies::Prepared;
use crate::connection::{Connection, Progress, scratch};
use crate::ids::IdFile;
use crate::options::Options;
use crate::pacing::{ClosedLoop, OpenLoop, Pacing};
use crate::random::Random;
use crate::tally::{Report, Tally};

const EVENTS: usize = 256;
/// How often time-outs are looked for.
const SWEEP: Duration = Duration::from_millis(250);
/// Before a refused or failed connect is tried again.
const RECONNECT: Duration = Duration::from_millis(100);

pub struct Driver<'a> {
    options: &'a Options,
    prepared: &'a [Prepared],
    epoll: OwnedFd,
    connections: Vec<Connection>,
    /// Whose socket is full: epoll tells when it takes more.
    blocked: Vec<bool>,
    pacing: Pacing,
    tally: Tally,
    ids: IdFile,
    random: Random,
    next_prepared: usize,
    started_at: f64,
    end: Instant,
    is_closed: bool,
}

impl<'a> Driver<'a> {
    /// Open all connections, so that no request pays for one.
    pub fn new(options: &'a Options, prepared: &'a [Prepared]) -> io::Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let mut connections = Vec::new();
        for index in 0..options.connections {
            let mut connection = Connection::default();
            connection.open(options.address)?;
            register(&epoll, index, &connection)?;
            connections.push(connection);
        }
        let start = Instant::now();
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let random = Random::new(options.seed.wrapping_add(1));
        let pacing = match options.rate {
            Some(rate) => Pacing::Open(OpenLoop::new(
                options.connections,
                rate,
                options.poisson,
                start,
                random,
            )),
            None => Pacing::Closed(ClosedLoop::new(
                options.connections,
                options.think_ms.clone(),
                start,
                random,
            )),
        };
        Ok(Self {
            options,
            prepared,
            epoll,
            blocked: vec![false; options.connections],
            connections,
            pacing,
            tally: Tally::new(start, options.warmup, options.duration),
            ids: IdFile::create(options.ids.as_deref())?,
            random: Random::new(options.seed),
            next_prepared: 0,
            started_at: since_epoch.as_secs_f64(),
            end: start + options.duration,
            is_closed: false,
        })
    }

    pub fn run(mut self) -> io::Result<Report> {
        let mut scratch = scratch();
        let mut events: Vec<Event> = Vec::with_capacity(EVENTS);
        let mut sweep = Instant::now() + SWEEP;
        loop {
            let now = Instant::now();
            if now < self.end {
                self.send_due(now)?;
            } else if !self.is_closed {
                self.is_closed = true;
                self.send_due(self.last())?; // what came due since the last look
            } else if !self.is_busy() || now > self.end + self.options.grace {
                return self.finish(now);
            }
            if now >= sweep {
                self.sweep(now);
                sweep = now + SWEEP;
            }
            self.wait(&mut events, sweep)?;
            for event in events.drain(..) {
                let index = usize::try_from(event.data.u64()).unwrap_or(usize::MAX);
                let flags = event.flags; // a copy: the struct is packed
                if flags.contains(EventFlags::OUT) {
                    self.write(index)?;
                }
                let progress = self.connections[index].read(&mut scratch);
                self.settle(index, &progress)?;
            }
        }
    }

    fn send_due(&mut self, now: Instant) -> io::Result<()> {
        while let Some((index, intended)) = self.pacing.due(now) {
            match self.connections[index].open(self.options.address) {
                Ok(true) => {
                    self.tally.total.connects += 1;
                    self.blocked[index] = false;
                    register(&self.epoll, index, &self.connections[index])?;
                }
                Ok(false) => {}
                Err(_) => {
                    self.tally.lost(now);
                    self.pacing.freed(index, now, Some(RECONNECT));
                    return Ok(());
                }
            }
            self.send(index, intended)?;
            if self.tally.total.sent >= self.options.requests {
                self.end = self.end.min(now);
                self.tally.end = self.end;
                self.is_closed = true;
                return Ok(());
            }
        }
        Ok(())
    }

    fn send(&mut self, index: usize, intended: Instant) -> io::Result<()> {
        let chosen = self.next_prepared;
        self.next_prepared = (chosen + 1) % self.prepared.len();
        let heads = self.prepared[chosen].heads.len() as u64;
        let head = usize::try_from(self.random.below(heads)).unwrap_or(0);
        let now = Instant::now();
        self.tally.sent(intended, now, self.prepared[chosen].events);
        self.connections[index].begin(chosen, head, intended, now);
        self.write(index)
    }

    fn write(&mut self, index: usize) -> io::Result<()> {
        let connection = &mut self.connections[index];
        let Some(request) = connection.in_flight() else {
            return Ok(());
        };
        let prepared = &self.prepared[request.prepared];
        let written = connection.write(&prepared.heads[request.head], &prepared.body);
        // After an error the read tells: the server may have answered before it closed.
        let is_blocked = !written.unwrap_or(true);
        if is_blocked != self.blocked[index] {
            self.blocked[index] = is_blocked;
            watch(&self.epoll, index, connection, is_blocked)?;
        }
        Ok(())
    }

    fn settle(&mut self, index: usize, progress: &Progress) -> io::Result<()> {
        let now = Instant::now();
        match progress {
            Progress::Waiting | Progress::Closed => return Ok(()),
            Progress::Answered(request, answer) => {
                let sent = self.prepared[request.prepared].events;
                let ids = self.tally.answered(request, sent, answer, now);
                self.ids.write(&ids)?;
                let asked = answer.retry_after.filter(|_| self.options.retry_after);
                self.pacing.freed(index, now, asked);
            }
            Progress::Lost => {
                self.tally.lost(now);
                self.pacing.freed(index, now, Some(RECONNECT));
            }
        }
        Ok(())
    }

    fn sweep(&mut self, now: Instant) {
        for index in 0..self.connections.len() {
            let is_late = self.connections[index]
                .in_flight()
                .is_some_and(|request| now.duration_since(request.sent) > self.options.timeout);
            if is_late && matches!(self.connections[index].end(), Progress::Lost) {
                self.tally.lost(now);
                self.pacing.freed(index, now, None);
            }
        }
    }

    fn wait(&self, events: &mut Vec<Event>, sweep: Instant) -> io::Result<()> {
        let now = Instant::now();
        let wake = self
            .pacing
            .wakes()
            .filter(|_| now < self.end)
            .map_or(sweep, |at| at.min(sweep));
        let pause = wake.min(if now < self.end { self.end } else { wake });
        let timeout = Timespec::try_from(pause.saturating_duration_since(now)).ok();
        match epoll::wait(&self.epoll, spare_capacity(events), timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The last moment at which a request may come due.
    fn last(&self) -> Instant {
        self.end
            .checked_sub(Duration::from_nanos(1))
            .unwrap_or(self.end)
    }

    fn is_busy(&self) -> bool {
        self.connections
            .iter()
            .any(|connection| connection.in_flight().is_some())
    }

    fn finish(mut self, now: Instant) -> io::Result<Report> {
        for connection in &mut self.connections {
            if let Progress::Lost = connection.end() {
                self.tally.lost(now);
            }
        }
        self.tally.total.unsent = self.pacing.unsent(self.last()) as u64;
        self.ids.finish()?;
        let sizes = self.prepared.iter().map(|request| request.events);
        let largest = sizes.max().unwrap_or_default();
        Ok(self.tally.report(self.started_at, largest, now))
    }
}

fn register(epoll: &OwnedFd, index: usize, connection: &Connection) -> io::Result<()> {
    let Some(stream) = connection.stream() else {
        return Ok(());
    };
    Ok(epoll::add(
        epoll,
        stream,
        EventData::new_u64(index as u64),
        EventFlags::IN,
    )?)
}

fn watch(epoll: &OwnedFd, index: usize, connection: &Connection, writes: bool) -> io::Result<()> {
    let Some(stream) = connection.stream() else {
        return Ok(());
    };
    let flags = if writes {
        EventFlags::IN | EventFlags::OUT
    } else {
        EventFlags::IN
    };
    Ok(epoll::modify(
        epoll,
        stream,
        EventData::new_u64(index as u64),
        flags,
    )?)
}
