//! Whether a string is an absolute http or https URL, as a browser or server would write it (WHATWG's serialised form,
//! RFC 3986's syntax for the authority). Nothing is normalised or resolved.

/// Scheme in either case, `//`, optional user info, host, optional port, and no byte that a serialised URL cannot hold.
#[inline]
#[must_use]
pub fn is_http_url(text: &[u8]) -> bool {
    let Some(rest) = after_scheme(text) else {
        return false;
    };
    let host = rest
        .iter()
        .take_while(|&&byte| IS_NAME[usize::from(byte)])
        .count();
    let end = match rest.get(host) {
        None | Some(b'/' | b'?' | b'#') => host,
        _ => rest
            .iter()
            .position(|byte| matches!(byte, b'/' | b'?' | b'#'))
            .unwrap_or(rest.len()),
    };
    let is_name = end == host && is_name(&rest[..end]);
    (is_name || is_authority(&rest[..end])) && !holds_forbidden(&rest[end..])
}

#[inline]
fn after_scheme(text: &[u8]) -> Option<&[u8]> {
    let (head, rest) = text.split_first_chunk::<4>()?;
    if !head.eq_ignore_ascii_case(b"http") {
        return None;
    }
    let rest = if matches!(rest.first(), Some(b's' | b'S')) {
        &rest[1..]
    } else {
        rest
    };
    rest.strip_prefix(b"://")
}

/// A registered name: letters of any script, digits, `-._~%`.
const IS_NAME: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0_u8;
    while byte < u8::MAX {
        byte += 1;
        table[byte as usize] = byte >= 0x80 || byte.is_ascii_alphanumeric() || is_name_mark(byte);
    }
    table
};

const fn is_name_mark(byte: u8) -> bool {
    matches!(byte, b'-' | b'.' | b'_' | b'~' | b'%')
}

/// Whether a byte is there that WHATWG percent-encodes in path, query and fragment alike. Looks at all of them, so
/// that the compiler can look at many at once.
#[inline]
fn holds_forbidden(text: &[u8]) -> bool {
    text.iter().fold(false, |found, &byte| {
        found | matches!(byte, 0..=b' ' | b'"' | b'<' | b'>' | 0x7f)
    })
}

/// User info, host and port.
fn is_authority(text: &[u8]) -> bool {
    let start = memchr::memrchr(b'@', text).map_or(0, |at| at + 1);
    let (user, place) = text.split_at(start);
    let (host, port) = split_port(place);
    !holds_forbidden(user) && is_host(host) && is_port(port)
}

/// Host and the port's text behind the last colon; a colon inside of brackets is none.
fn split_port(place: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memrchr(b':', place) {
        Some(colon) if place.last() != Some(&b']') => (&place[..colon], &place[colon + 1..]),
        _ => (place, b""),
    }
}

fn is_port(text: &[u8]) -> bool {
    text.len() <= 5
        && text.iter().all(u8::is_ascii_digit)
        && text
            .iter()
            .fold(0u32, |port, digit| port * 10 + u32::from(digit - b'0'))
            <= 65_535
}

/// A registered name or an address in brackets.
fn is_host(host: &[u8]) -> bool {
    match host {
        [b'[', address @ .., b']'] => is_address(address),
        _ => is_name(host) && host.iter().all(|&byte| IS_NAME[usize::from(byte)]),
    }
}

/// Of bytes that are all those of a name.
#[inline]
fn is_name(host: &[u8]) -> bool {
    !matches!(host, [] | [b'.', ..])
}

fn is_address(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok_and(|text| text.parse::<std::net::Ipv6Addr>().is_ok())
}
