//! Concatenation, the two kinds, the ledger, and that a refused entry leaves no trace.
#![allow(clippy::unwrap_used, reason = "tests")]

mod tuples;

use ingest_native::chunk::{Chunk, Kind};
use ingest_native::entry::{EntryError, FLAG_NAMED};
use ingest_native::tuple::{COPY_HEADER, Tuple};
use proptest::prelude::*;
use tuples::{Columns, NOON_US, entry, tuple};

const HOUR_US: i64 = 3_600_000_000;
const DAY_US: i64 = 24 * HOUR_US;

fn push(chunk: &mut Chunk, flags: u16, rows: &[Vec<u8>]) -> Result<usize, EntryError> {
    let count = u32::try_from(rows.len()).unwrap();
    let (header, data) = entry(flags, count, &rows.concat(), rows.len() > 2);
    chunk.push(&header, &data)
}

#[test]
fn keeps_the_kinds_apart() {
    let row = tuple(&Columns::default());
    let null = tuple(&Columns {
        user_id: None,
        ..Columns::default()
    });
    let mut chunk = Chunk::new();
    assert_eq!(push(&mut chunk, 0, &[row.clone(), null.clone()]), Ok(2));
    assert_eq!(push(&mut chunk, FLAG_NAMED, &vec![null.clone(); 3]), Ok(3));
    assert_eq!(push(&mut chunk, 0, std::slice::from_ref(&row)), Ok(1));
    let straight = [&COPY_HEADER[..], &row, &null, &row].concat();
    assert_eq!(chunk.bytes(Kind::Straight), straight);
    assert_eq!(
        chunk.bytes(Kind::Named),
        [&COPY_HEADER[..], &null.repeat(3)].concat()
    );
    assert_eq!(
        (chunk.rows(Kind::Straight), chunk.rows(Kind::Named)),
        (3, 3)
    );
    assert_eq!(
        chunk.tuples(Kind::Straight, 1..3).unwrap(),
        [null, row].concat()
    );
    assert_eq!(chunk.tuples(Kind::Straight, 3..3), Some(&[][..]));
    assert_eq!(chunk.tuples(Kind::Straight, 0..4), None);
    assert_eq!(chunk.row(Kind::Named, 3), None);
    assert_eq!(
        chunk.nbytes(),
        straight.len() + chunk.bytes(Kind::Named).len()
    );
}

/// Rows of projects 1, 2, 1 (the same key again), 3, with one straight row beside them.
fn of_three_projects() -> Chunk {
    let mut chunk = Chunk::new();
    push(&mut chunk, FLAG_NAMED, &[1, 2, 1, 3].map(of_project)).unwrap();
    push(&mut chunk, 0, &[of_project(1)]).unwrap();
    chunk
}

fn of_project(project: u8) -> Vec<u8> {
    tuple(&Columns {
        project,
        ..Columns::default()
    })
}

#[test]
fn gives_keys_as_arrays_and_repeated_rows_apart() {
    let chunk = of_three_projects();
    let keys = |projects: &[u8]| {
        let projects = projects.iter().map(|project| [*project; 16]).collect();
        chunk.keys(Kind::Named, &projects)
    };
    let found = keys(&[1, 3]);
    assert_eq!((found.rows, found.repeated), (vec![0, 3], vec![2]));
    let head = [
        0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x0b, 0x86, 0, 0, 0, 2, 0, 0, 0, 1,
    ];
    let word = [0, 0, 0, 16];
    let projects = [&head[..], &word, &[1; 16], &word, &[3; 16]].concat();
    assert_eq!(found.project_ids, projects);
    let ids = [&head[..], &word, &[1; 16], &word, &[1; 16]].concat();
    assert_eq!(found.event_ids, ids);
    assert_eq!(found.timestamps.len(), 20 + 2 * 12);
    assert_eq!(found.timestamps[20..32], of_project(1)[42..54]);
    assert!(keys(&[9]).rows.is_empty());
}

#[test]
fn leaves_rows_out() {
    let chunk = of_three_projects();
    let without = |rows: &[usize]| chunk.without(Kind::Named, &rows.iter().copied().collect());
    let stream = |rows: &[u8]| {
        let rows: Vec<u8> = rows
            .iter()
            .flat_map(|project| of_project(*project))
            .collect();
        [&COPY_HEADER[..], &rows].concat()
    };
    assert_eq!(without(&[]), chunk.bytes(Kind::Named));
    assert_eq!(without(&[0, 3]), stream(&[2, 1]));
    assert_eq!(without(&[2, 9]), stream(&[1, 2, 3]));
    assert_eq!(without(&[0, 1, 2, 3]), Vec::<u8>::new());
    assert_eq!(
        Chunk::new().without(Kind::Named, &[1].into()),
        Vec::<u8>::new()
    );
}

#[test]
fn counts_some_rows() {
    let chunk = of_three_projects();
    let counted = chunk.ledger_of(Kind::Named, &[0, 2, 3, 9].into());
    let lines: Vec<(u8, u64)> = counted
        .iter()
        .map(|((project, _), rows)| (project[0], *rows))
        .collect();
    assert_eq!(lines, [(1, 2), (3, 1)]);
}

#[test]
fn decodes_a_row() {
    let mut chunk = Chunk::new();
    push(&mut chunk, 0, &[tuple(&Columns::default())]).unwrap();
    let row = chunk.row(Kind::Straight, 0).unwrap();
    assert_eq!((row.event_id, row.project_id), ([1; 16], [7; 16]));
    assert_eq!((row.timestamp_us, row.received_at_us), (NOON_US, NOON_US));
    assert_eq!(row.event_type, b"page_view");
    assert_eq!((row.user_id, row.session_id), (Some(&b"user_1"[..]), None));
    assert_eq!(row.properties, br#"{"price":12.50}"#);
}

#[test]
fn counts_projects_hours_and_days() {
    let mut chunk = Chunk::new();
    let at = |project, hours, days| {
        tuple(&Columns {
            project,
            received_at_us: NOON_US + hours * HOUR_US,
            timestamp_us: NOON_US + days * DAY_US,
            ..Columns::default()
        })
    };
    push(
        &mut chunk,
        0,
        &[at(1, 0, 0), at(2, 0, -1), at(1, 0, 0), at(1, 1, 2)],
    )
    .unwrap();
    push(&mut chunk, 1, &[at(1, 0, 0)]).unwrap();
    let hour = NOON_US.div_euclid(HOUR_US);
    let ledger: Vec<_> = chunk
        .ledger()
        .iter()
        .map(|(key, rows)| (key.0[0], key.1, *rows))
        .collect();
    assert_eq!(ledger, [(1, hour, 3), (1, hour + 1, 1), (2, hour, 1)]);
    let day = NOON_US.div_euclid(DAY_US);
    assert_eq!(
        Vec::from_iter(chunk.days().clone()),
        [day - 1, day, day + 2]
    );
}

/// The tuple with `bytes` written over it at `offset`.
fn damaged(offset: usize, bytes: &[u8]) -> Vec<u8> {
    let mut row = tuple(&Columns::default());
    row[offset..offset + bytes.len()].copy_from_slice(bytes);
    row
}

#[test]
fn damage_is_named_and_leaves_no_trace() {
    let good = tuple(&Columns::default());
    let cut = good[..good.len() - 1].to_vec();
    let cases = [
        (damaged(1, &[7]), "column count"),
        (damaged(5, &[15]), "id is not 16"),
        (damaged(25, &[17]), "id is not 16"),
        (damaged(45, &[4]), "timestamp is not 8"),
        (damaged(57, &[0]), "timestamp is not 8"),
        (damaged(46, &[0x7f]), "outside the years"),
        (damaged(58, &[0x80]), "outside the years"),
        (damaged(66, &[0xff, 0xff, 0xff, 0xff]), "event_type is null"),
        (damaged(66, &[0xff, 0xff, 0xff, 0xfe]), "negative"),
        (damaged(66, &[0x7f, 0xff, 0xff, 0xff]), "column is cut off"),
        (damaged(good.len() - 16, &[2]), "not jsonb version 1"),
        (cut, "column is cut off"),
        (good[..60].to_vec(), "fixed columns are cut off"),
        (vec![0xff, 0xff], "fixed columns are cut off"),
        (Vec::new(), "number of rows"),
    ];
    let mut chunk = Chunk::new();
    push(&mut chunk, 0, std::slice::from_ref(&good)).unwrap();
    let before = format!("{chunk:?}");
    for (bad, reason) in cases {
        let error = push(&mut chunk, 0, &[good.clone(), bad]).unwrap_err();
        assert_eq!(error.code(), "bad_tuple");
        assert!(
            error.to_string().contains(reason),
            "{error} is not {reason}"
        );
        assert_eq!(format!("{chunk:?}"), before, "{reason}");
    }
}

#[test]
fn an_empty_entry_adds_nothing() {
    let mut chunk = Chunk::new();
    assert_eq!(push(&mut chunk, 0, &[]), Ok(0));
    assert!(push(&mut chunk, 0, &[vec![1]]).is_err());
    assert_eq!((chunk.nbytes(), chunk.row(Kind::Straight, 0)), (0, None));
}

proptest! {
    #[test]
    fn no_tuple_makes_it_panic(at in 0_usize..160, bytes: Vec<u8>, keep in 0_usize..400) {
        let mut rows = tuple(&Columns::default()).repeat(2);
        rows.splice(at.min(rows.len()).., bytes);
        rows.truncate(keep);
        let mut chunk = Chunk::new();
        let added = push(&mut chunk, 0, std::slice::from_ref(&rows));
        prop_assert_eq!(added.is_ok(), Tuple::first(&rows).is_ok_and(|first| first.raw == rows));
    }
}
