//! Event ids in an answer: counted, checked for form, and written down when asked.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use memchr::memmem;

const ID: usize = 36;

/// What an answer's body says about accepted events.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Said {
    pub ids: Vec<[u8; 16]>,
    /// The number in `"accepted"`, when there is one.
    pub accepted: Option<u64>,
}

impl Said {
    /// Read `"event_id"` or `"event_ids"`, and `"accepted"`; None when an id has a bad form.
    pub fn read(body: &[u8]) -> Option<Self> {
        let accepted = after(body, b"\"accepted\":").and_then(number);
        let ids = match after(body, b"\"event_ids\":") {
            Some(list) => listed(list)?,
            None => match after(body, b"\"event_id\":") {
                Some(text) => vec![id(text.strip_prefix(b"\"")?)?],
                None => Vec::new(),
            },
        };
        Some(Self { ids, accepted })
    }
}

/// A file of raw ids; nothing at all when none is wanted.
pub struct IdFile(Option<BufWriter<File>>);

impl IdFile {
    pub fn create(path: Option<&Path>) -> io::Result<Self> {
        let file = path.map(File::create).transpose()?;
        Ok(Self(
            file.map(|file| BufWriter::with_capacity(1 << 20, file)),
        ))
    }

    pub fn write(&mut self, ids: &[[u8; 16]]) -> io::Result<()> {
        match &mut self.0 {
            Some(file) => file.write_all(ids.as_flattened()),
            None => Ok(()),
        }
    }

    pub fn finish(&mut self) -> io::Result<()> {
        self.0.as_mut().map_or(Ok(()), Write::flush)
    }
}

fn after<'a>(body: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let start = memmem::find(body, name)? + name.len();
    Some(body[start..].trim_ascii_start())
}

fn number(text: &[u8]) -> Option<u64> {
    let end = text.iter().position(|byte| !byte.is_ascii_digit())?;
    std::str::from_utf8(&text[..end]).ok()?.parse().ok()
}

fn listed(list: &[u8]) -> Option<Vec<[u8; 16]>> {
    let mut rest = list.strip_prefix(b"[")?.trim_ascii_start();
    let mut ids = Vec::with_capacity(rest.len() / (ID + 3) + 1);
    while let Some(text) = rest.strip_prefix(b"\"") {
        ids.push(id(text)?);
        rest = text[ID..].strip_prefix(b"\"")?.trim_ascii_start();
        rest = rest.strip_prefix(b",").unwrap_or(rest).trim_ascii_start();
    }
    rest.starts_with(b"]").then_some(ids)
}

fn id(text: &[u8]) -> Option<[u8; 16]> {
    let text = text.get(..ID)?;
    let mut id = [0; 16];
    let mut digits = text.iter().filter(|byte| **byte != b'-');
    for byte in &mut id {
        *byte = digit(*digits.next()?)? << 4 | digit(*digits.next()?)?;
    }
    digits.next().is_none().then_some(id)
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::Said;

    const A: &str = "0192f5a0-0000-7000-8000-0000000000ff";

    #[test]
    fn reads_one_and_many() {
        let one = Said::read(format!(r#"{{"status":"accepted","event_id":"{A}"}}"#).as_bytes());
        assert_eq!(
            one.map(|said| (said.ids[0][15], said.accepted)),
            Some((0xff, None))
        );
        let body = format!(r#"{{"accepted":2,"event_ids": ["{A}", "{A}"],"rejected":[]}}"#);
        let many = Said::read(body.as_bytes());
        assert_eq!(
            many.map(|said| (said.ids.len(), said.accepted)),
            Some((2, Some(2)))
        );
    }

    #[test]
    fn reads_an_empty_list_and_refuses_bad_ids() {
        let empty = Said::read(br#"{"event_ids":[],"accepted":0}"#);
        assert_eq!(
            empty,
            Some(Said {
                ids: vec![],
                accepted: Some(0)
            })
        );
        assert_eq!(Said::read(br#"{"event_ids":["x"]}"#), None);
        assert_eq!(
            Said::read(format!(r#"{{"event_ids":["{A}""#).as_bytes()),
            None
        );
    }
}
