//! The file of prepared requests, and the bytes to send for each.
//!
//! ```text
//! "ingestB1" | record ...
//! record: events u32 | path bytes u32 | body bytes u32 | path | body       (little endian)
//! ```

use std::error::Error;
use std::fs;

use crate::options::Options;

const MAGIC: &[u8] = b"ingestB1";

/// One request: a whole head for each choice of header, and the body.
pub struct Prepared {
    pub heads: Vec<Vec<u8>>,
    pub body: Vec<u8>,
    /// How many events the body holds.
    pub events: u32,
}

pub fn load(options: &Options) -> Result<Vec<Prepared>, Box<dyn Error>> {
    let file = fs::read(&options.bodies)?;
    let headers = match &options.heads {
        Some(path) => fs::read_to_string(path)?
            .lines()
            .map(String::from)
            .collect(),
        None => vec![String::new()],
    };
    let host = options.address.to_string();
    let prepared = parse(&file, &host, &headers)?;
    if prepared.is_empty() || headers.is_empty() {
        return Err("no bodies or no heads".into());
    }
    Ok(prepared)
}

fn parse(file: &[u8], host: &str, headers: &[String]) -> Result<Vec<Prepared>, Box<dyn Error>> {
    let mut rest = file.strip_prefix(MAGIC).ok_or("not a file of bodies")?;
    let mut prepared = Vec::new();
    while !rest.is_empty() {
        let events = number(&mut rest)?;
        let (path_bytes, body_bytes) = (number(&mut rest)?, number(&mut rest)?);
        let path = std::str::from_utf8(take(&mut rest, path_bytes)?)?;
        let body = take(&mut rest, body_bytes)?.to_vec();
        let heads = headers
            .iter()
            .map(|header| head(host, path, header, body.len()))
            .collect();
        prepared.push(Prepared {
            heads,
            body,
            events,
        });
    }
    Ok(prepared)
}

fn head(host: &str, path: &str, header: &str, length: usize) -> Vec<u8> {
    let end = if header.is_empty() { "" } else { "\r\n" };
    format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n{header}{end}\r\n"
    )
    .into_bytes()
}

fn number(rest: &mut &[u8]) -> Result<u32, &'static str> {
    let (bytes, after) = rest
        .split_first_chunk::<4>()
        .ok_or("the file of bodies is cut off")?;
    *rest = after;
    Ok(u32::from_le_bytes(*bytes))
}

fn take<'a>(rest: &mut &'a [u8], length: u32) -> Result<&'a [u8], &'static str> {
    let (bytes, after) = rest
        .split_at_checked(length as usize)
        .ok_or("the file of bodies is cut off")?;
    *rest = after;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::{MAGIC, parse};

    fn file() -> Vec<u8> {
        let mut file = MAGIC.to_vec();
        for number in [2u32, 3, 4] {
            file.extend(number.to_le_bytes());
        }
        file.extend(b"/ab{\"\"}");
        file
    }

    #[test]
    fn makes_a_head_for_each_header() -> Result<(), Box<dyn std::error::Error>> {
        let prepared = parse(&file(), "h:1", &["A: b".into(), String::new()])?;
        assert_eq!(prepared[0].events, 2);
        assert_eq!(prepared[0].body, b"{\"\"}");
        let head = String::from_utf8(prepared[0].heads[0].clone())?;
        assert!(head.starts_with("POST /ab HTTP/1.1\r\nHost: h:1\r\n"));
        assert!(head.ends_with("Content-Length: 4\r\nA: b\r\n\r\n"));
        assert!(prepared[0].heads[1].ends_with(b"Length: 4\r\n\r\n"));
        Ok(())
    }

    #[test]
    fn refuses_what_is_cut_off() {
        let file = file();
        assert!(parse(&file[..file.len() - 1], "h", &[String::new()]).is_err());
        assert!(parse(b"other", "h", &[String::new()]).is_err());
    }
}
