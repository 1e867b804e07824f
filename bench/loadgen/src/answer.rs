//! One HTTP/1.1 answer, taken from what has arrived so far.

use std::time::Duration;

use memchr::memmem;

const MAX_HEADERS: usize = 32;

/// A whole answer.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
    pub retry_after: Option<Duration>,
    /// The product says that a fsync came before it.
    pub is_synced: bool,
    /// The server closes the connection after it.
    pub closes: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Malformed;

/// Take one answer from the front of `buffer`; None until it is whole.
pub fn take(buffer: &mut Vec<u8>) -> Result<Option<Answer>, Malformed> {
    let Some((answer, used)) = read(buffer)? else {
        return Ok(None);
    };
    buffer.drain(..used);
    Ok(Some(answer))
}

fn read(buffer: &[u8]) -> Result<Option<(Answer, usize)>, Malformed> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut head = httparse::Response::new(&mut headers);
    let start = match head.parse(buffer).map_err(|_| Malformed)? {
        httparse::Status::Complete(start) => start,
        httparse::Status::Partial => return Ok(None),
    };
    let value = |name: &str| {
        let found = head
            .headers
            .iter()
            .find(|header| header.name.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(found.value).ok()
    };
    let rest = &buffer[start..];
    let body = if let Some(length) = value("content-length") {
        let length = length.parse().map_err(|_| Malformed)?;
        rest.get(..length).map(|body| (body.to_vec(), length))
    } else if value("transfer-encoding").is_some() {
        chunks(rest)?
    } else {
        Some((Vec::new(), 0))
    };
    let retry_after = value("retry-after").and_then(|text| text.parse().ok());
    Ok(body.map(|(body, used)| {
        let answer = Answer {
            status: head.code.unwrap_or(0),
            body,
            retry_after: retry_after.map(Duration::from_secs),
            is_synced: value("ingest-ack") == Some("fsync"),
            closes: value("connection").is_some_and(|text| text.eq_ignore_ascii_case("close")),
        };
        (answer, start + used)
    }))
}

/// A chunked body and its length on the wire; None until it is whole. Trailers are not expected.
fn chunks(wire: &[u8]) -> Result<Option<(Vec<u8>, usize)>, Malformed> {
    let (mut body, mut at) = (Vec::new(), 0);
    loop {
        let Some(line) = memmem::find(&wire[at..], b"\r\n") else {
            return Ok(None);
        };
        let digits = std::str::from_utf8(&wire[at..at + line]).map_err(|_| Malformed)?;
        let length = usize::from_str_radix(digits, 16).map_err(|_| Malformed)?;
        let start = at + line + 2;
        let Some(chunk) = wire.get(start..start + length + 2) else {
            return Ok(None);
        };
        body.extend_from_slice(&chunk[..length]);
        at = start + length + 2;
        if length == 0 {
            return Ok(Some((body, at)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Malformed, take};

    #[test]
    fn waits_for_the_whole_and_leaves_the_next() {
        let mut buffer =
            b"HTTP/1.1 202 Accepted\r\nIngest-Ack: fsync\r\nContent-Length: 2\r\n\r\n".to_vec();
        assert_eq!(take(&mut buffer), Ok(None));
        buffer.extend(b"{}HTTP");
        let answer = take(&mut buffer);
        assert!(
            matches!(answer, Ok(Some(ref one)) if one.status == 202 && one.body == b"{}"
            && one.is_synced)
        );
        assert_eq!(buffer, b"HTTP");
    }

    #[test]
    fn reads_chunks_and_what_a_refusal_asks() {
        let mut buffer = b"HTTP/1.1 503 x\r\nRetry-After: 3\r\nConnection: close\r\n\
            Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n"
            .to_vec();
        let answer = take(&mut buffer);
        assert!(
            matches!(answer, Ok(Some(ref one)) if one.body == b"abcd" && one.closes && !one.is_synced
            && one.retry_after.is_some_and(|pause| pause.as_secs() == 3))
        );
        assert!(buffer.is_empty());
    }

    #[test]
    fn refuses_what_is_not_http() {
        assert_eq!(take(&mut b"SMTP\r\n\r\n".to_vec()), Err(Malformed));
    }
}
