//! Whether a string is an absolute http or https URL, as a browser or server would write it (WHATWG's serialised form,
//! RFC 3986's syntax for the authority). Nothing is normalised or resolved.

/// Scheme in either case, `//`, optional user info, host, optional port, and no byte that a serialised URL cannot hold.
#[inline]
#[must_use]
pub fn is_http_url(text: &[u8]) -> bool {
    let Some(rest) = after_scheme(text) else {
        return false;
    };
    let end = rest
        .iter()
        .position(|byte| matches!(byte, b'/' | b'?' | b'#'))
        .unwrap_or(rest.len());
    is_authority(&rest[..end]) && !rest[end..].iter().any(|&byte| is_forbidden(byte))
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

/// Bytes that WHATWG percent-encodes in path, query and fragment alike.
#[inline]
fn is_forbidden(byte: u8) -> bool {
    byte <= b' ' || matches!(byte, b'"' | b'<' | b'>' | 0x7f)
}

#[inline]
fn is_authority(text: &[u8]) -> bool {
    let start = memchr::memrchr(b'@', text).map_or(0, |at| at + 1);
    let (user, place) = text.split_at(start);
    if user.iter().any(|&byte| is_forbidden(byte)) {
        return false;
    }
    let (host, port) = split_port(place);
    is_host(host) && is_port(port)
}

/// Host and the port's text behind the last colon; a colon inside of brackets is none.
#[inline]
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

/// A registered name (letters of any script, digits, `-._~%`) or an address in brackets.
#[inline]
fn is_host(host: &[u8]) -> bool {
    match host {
        [b'[', address @ .., b']'] => is_address(address),
        [] | [b'.', ..] => false,
        _ => host
            .iter()
            .all(|&byte| byte.is_ascii_alphanumeric() || byte >= 0x80 || b"-._~%".contains(&byte)),
    }
}

fn is_address(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok_and(|text| text.parse::<std::net::Ipv6Addr>().is_ok())
}
