//! What a consumer writes in one transaction: the tuples of many entries, ready for COPY BINARY.
//!
//! Every tuple is walked once. Two kinds are kept apart, because only one of them may meet its own copy in the table:
//! straight (ids made by a worker) and named (ids chosen by a client or derived from a key).

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::Range;

use crate::entry::{EntryError, FLAG_NAMED, Header};
use crate::keys::Keys;
use crate::pgcopy::PROJECT_ID_AT;
use crate::tuple::{COPY_HEADER, Tuple};

const HOUR_US: i64 = 3_600_000_000;
const DAY_US: i64 = 86_400_000_000;

/// Which of the two streams of tuples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Straight,
    Named,
}

/// The key of one ledger line: project and unix hour of `received_at`.
pub type LedgerKey = ([u8; 16], i64);

/// Rows of one kind: a COPY header (none while there are no rows), tuples, and where each tuple starts.
#[derive(Debug, Default, Clone)]
struct Rows {
    bytes: Vec<u8>,
    starts: Vec<usize>,
}

#[derive(Debug, Default, Clone)]
pub struct Chunk {
    straight: Rows,
    named: Rows,
    tally: Tally,
}

impl Chunk {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one entry and gives its number of rows. All of it or nothing.
    ///
    /// # Errors
    /// Whatever is wrong with header, data or a tuple; the chunk is then as it was.
    pub fn push(&mut self, header: &[u8], data: &[u8]) -> Result<usize, EntryError> {
        let is_named = Header::read(header).is_ok_and(|read| read.stamp.flags & FLAG_NAMED != 0);
        let rows = if is_named {
            &mut self.named
        } else {
            &mut self.straight
        };
        let (added, tally) = rows.push(header, data)?;
        self.tally.merge(tally);
        Ok(added)
    }

    #[must_use]
    pub fn rows(&self, kind: Kind) -> usize {
        self.of(kind).starts.len()
    }

    /// Bytes held for COPY, both kinds.
    #[must_use]
    pub fn nbytes(&self) -> usize {
        self.straight.bytes.len() + self.named.bytes.len()
    }

    /// COPY header and tuples, without trailer; empty while there are no rows.
    #[must_use]
    pub fn bytes(&self, kind: Kind) -> &[u8] {
        &self.of(kind).bytes
    }

    /// The tuples of some rows, without header; `None` when the range lies outside.
    #[must_use]
    pub fn tuples(&self, kind: Kind, rows: Range<usize>) -> Option<&[u8]> {
        let of = self.of(kind);
        (rows.start <= rows.end).then_some(())?;
        of.bytes.get(of.offset(rows.start)?..of.offset(rows.end)?)
    }

    /// The keys of a kind's rows of the `projects`.
    #[must_use]
    pub fn keys(&self, kind: Kind, projects: &HashSet<[u8; 16]>) -> Keys {
        let project = |tuple: &[u8]| projects.contains(&tuple[PROJECT_ID_AT..PROJECT_ID_AT + 16]);
        let tuples = self.of(kind).tuples().enumerate();
        Keys::of(tuples.filter(|(_, tuple)| project(tuple)))
    }

    /// A stream like [`Self::bytes`], without some rows; empty when none is left.
    #[must_use]
    pub fn without(&self, kind: Kind, rows: &HashSet<usize>) -> Vec<u8> {
        let of = self.of(kind);
        let mut stream = Vec::with_capacity(of.bytes.len());
        for (row, tuple) in of.tuples().enumerate() {
            if rows.contains(&row) {
                continue;
            }
            if stream.is_empty() {
                stream.extend_from_slice(&COPY_HEADER);
            }
            stream.extend_from_slice(tuple);
        }
        stream
    }

    /// Some rows by project and hour; rows that are not there are left out.
    #[must_use]
    pub fn ledger_of(&self, kind: Kind, rows: &HashSet<usize>) -> BTreeMap<LedgerKey, u64> {
        let mut counter = Counter::default();
        let found = rows.iter().filter_map(|row| self.row(kind, *row));
        found.for_each(|tuple| counter.count(&tuple));
        counter.finish().ledger
    }

    /// One row, decoded; `None` when there is no such row.
    #[must_use]
    pub fn row(&self, kind: Kind, index: usize) -> Option<Tuple<'_>> {
        let of = self.of(kind);
        Tuple::first(&of.bytes[*of.starts.get(index)?..]).ok()
    }

    /// Rows by project and hour, in order of the key.
    #[must_use]
    pub fn ledger(&self) -> &BTreeMap<LedgerKey, u64> {
        &self.tally.ledger
    }

    /// Unix days of `timestamp` that occur.
    #[must_use]
    pub fn days(&self) -> &BTreeSet<i64> {
        &self.tally.days
    }

    fn of(&self, kind: Kind) -> &Rows {
        match kind {
            Kind::Straight => &self.straight,
            Kind::Named => &self.named,
        }
    }
}

impl Rows {
    fn push(&mut self, header: &[u8], data: &[u8]) -> Result<(usize, Tally), EntryError> {
        let (length, count) = (self.bytes.len(), self.starts.len());
        let walked = append(header, data, &mut self.bytes, &mut self.starts);
        if walked.is_err() || self.starts.len() == count {
            self.bytes.truncate(length);
            self.starts.truncate(count);
        }
        Ok((self.starts.len() - count, walked?))
    }

    /// Each row's bytes.
    fn tuples(&self) -> impl Iterator<Item = &[u8]> {
        let ends = self.starts.iter().skip(1).copied();
        let ends = ends.chain([self.bytes.len()]);
        let ranges = self.starts.iter().copied().zip(ends);
        ranges.map(|(start, end)| &self.bytes[start..end])
    }

    /// Where row `index` starts; the index behind the last row gives the end.
    fn offset(&self, index: usize) -> Option<usize> {
        let end = (index == self.starts.len()).then_some(self.bytes.len());
        self.starts.get(index).copied().or(end)
    }
}

/// Unpacks behind what is there and walks the new tuples. The caller takes back what an error leaves.
fn append(
    header: &[u8],
    data: &[u8],
    bytes: &mut Vec<u8>,
    starts: &mut Vec<usize>,
) -> Result<Tally, EntryError> {
    if bytes.is_empty() {
        bytes.extend_from_slice(&COPY_HEADER);
    }
    let (mut at, count) = (bytes.len(), starts.len());
    let header = Header::unpack(header, data, bytes)?;
    let mut counter = Counter::default();
    while at < bytes.len() {
        let row = starts.len() - count;
        let tuple =
            Tuple::first(&bytes[at..]).map_err(|reason| EntryError::BadTuple { row, reason })?;
        counter.count(&tuple);
        starts.push(at);
        at += tuple.raw.len();
    }
    let row = starts.len() - count;
    if row != header.rows as usize {
        return Err(EntryError::BadTuple {
            row,
            reason: "the number of rows is not what the header states",
        });
    }
    Ok(counter.finish())
}

#[derive(Debug, Default, Clone)]
struct Tally {
    ledger: BTreeMap<LedgerKey, u64>,
    days: BTreeSet<i64>,
}

impl Tally {
    fn merge(&mut self, other: Self) {
        for (key, rows) in other.ledger {
            *self.ledger.entry(key).or_default() += rows;
        }
        self.days.extend(other.days);
    }
}

/// Counts runs: neighbours nearly always share project and hour, so the map is asked once a run.
#[derive(Debug, Default)]
struct Counter {
    tally: Tally,
    run: LedgerKey,
    rows: u64,
    day: Option<i64>,
}

impl Counter {
    fn count(&mut self, tuple: &Tuple<'_>) {
        let key = (tuple.project_id, tuple.received_at_us.div_euclid(HOUR_US));
        if key != self.run {
            self.close_run();
            self.run = key;
        }
        self.rows += 1;
        let day = tuple.timestamp_us.div_euclid(DAY_US);
        if self.day.replace(day) != Some(day) {
            self.tally.days.insert(day);
        }
    }

    fn close_run(&mut self) {
        if self.rows > 0 {
            *self.tally.ledger.entry(self.run).or_default() += std::mem::take(&mut self.rows);
        }
    }

    fn finish(mut self) -> Tally {
        self.close_run();
        self.tally
    }
}
