//! The JSON parsing corpus, each text read alone and as the value of a property.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

mod shop;

use std::path::PathBuf;
use std::{env, fs};

use ingest_native::limits::Limits;
use ingest_native::scan;

/// The folder with the corpus: `INGEST_CORPUS`, or a checkout beside this one.
fn corpus() -> Option<Vec<(String, Vec<u8>)>> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/corpora");
    let root = env::var_os("INGEST_CORPUS").map_or_else(|| PathBuf::from(beside), PathBuf::from);
    let folder = root.join("json-test-suite/test_parsing");
    let Ok(entries) = fs::read_dir(&folder) else {
        eprintln!(
            "skipped: no corpus; INGEST_CORPUS names the folder that has json-test-suite in it"
        );
        return None;
    };
    let texts = entries.map(|entry| {
        let path = entry.unwrap().path();
        (
            path.file_name().unwrap().to_string_lossy().into_owned(),
            fs::read(path).unwrap(),
        )
    });
    Some(texts.collect())
}

#[test]
fn reads_each_text_alone() {
    let limits = Limits::default();
    for (name, text) in corpus().unwrap_or_default() {
        let is_json = std::str::from_utf8(&text).is_ok() && scan::validate(&text, &limits).is_ok();
        match &name[..2] {
            "y_" => assert!(is_json, "{name} was refused"),
            "n_" => assert!(!is_json, "{name} was accepted"),
            _ => {}
        }
    }
}

#[test]
fn reads_each_text_as_a_property() {
    let mut encoder = shop::encoder(shop::FREE);
    for (name, text) in corpus().unwrap_or_default() {
        let (head, tail) = (
            &br#"{"event_type":"any","properties":{"value":"#[..],
            &b"}}"[..],
        );
        let body = [head, &text, tail].concat();
        let status = encoder.encode_bytes(&body, &shop::REQUEST).verdict.status;
        match &name[..2] {
            "y_" => assert!(matches!(status, 202 | 422), "{name}: {status}"),
            "n_" => assert_eq!(status, 400, "{name}"),
            _ => assert!(matches!(status, 202 | 400 | 422), "{name}: {status}"),
        }
    }
}

/// What a row cannot hold is one rejected event, never a refused body.
#[test]
fn tells_json_from_what_cannot_be_stored() {
    for name in [
        "y_string_null_escape.json",
        "y_string_escaped_noncharacter.json",
    ] {
        for (found, text) in corpus().unwrap_or_default() {
            if found == name {
                let fault = scan::validate(&text, &Limits::default()).unwrap();
                assert_eq!(fault.is_some(), name.contains("null"), "{name}");
            }
        }
    }
}
