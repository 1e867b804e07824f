//! Ids: order, versions, text forms.

use ingest_native::identity::{IdGenerator, format, parse};
use proptest::prelude::*;

#[test]
fn ids_grow_when_time_stands_still_or_goes_back() {
    let mut ids = IdGenerator::new(&[3; 32]);
    let mut last = ids.next(1_000_000);
    for now_ms in [1_000_000, 999_999, 1_000_001, 5, 1_000_001].repeat(20_000) {
        let id = ids.next(now_ms);
        assert!(id > last && id[6] >> 4 == 7 && id[8] >> 6 == 2);
        last = id;
    }
    assert_eq!(last[..6], 1_000_001_u64.to_be_bytes()[2..]);
}

#[test]
fn two_seeds_never_meet() {
    let ids = |seed| {
        let mut ids = IdGenerator::new(&[seed; 32]);
        (0..1000).map(move |_| ids.next(77)).collect::<Vec<_>>()
    };
    let (one, two) = (ids(1), ids(2));
    assert!(one.iter().all(|id| !two.contains(id)));
    assert_eq!(one, ids(1));
}

#[test]
fn reads_only_the_hyphenated_form() {
    let id = "018f2f6e-7b1c-7000-8000-000000000001";
    assert!(parse(id.as_bytes()).is_some());
    for text in [
        "",
        "018f2f6e7b1c70008000000000000001",
        "{018f2f6e-7b1c-7000-8000-000000000001}",
        "urn:uuid:018f2f6e-7b1c-7000-8000-000000000001",
        "018f2f6e-7b1c-7000-8000-00000000000g",
        "018f2f6e-7b1c-7000-80000-00000000001",
        "018f2f6e_7b1c_7000_8000_000000000001",
        "00000000-0000-0000-0000-000000000000",
        "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
    ] {
        assert_eq!(parse(text.as_bytes()), None, "{text}");
    }
}

proptest! {
    #[test]
    fn text_and_bytes_agree(id: [u8; 16]) {
        let text = format(&id);
        prop_assert_eq!(parse(&text), Some(id));
        prop_assert_eq!(parse(&text.to_ascii_uppercase()), Some(id));
    }

    #[test]
    fn no_text_panics(text: Vec<u8>) {
        prop_assert!(parse(&text).is_none());
    }
}
