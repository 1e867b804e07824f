//! The reference mix of events from a seed: the shares, fields and formatting (a space after each comma and colon)
//! that its load generator posts. About 334 bytes an event.

use std::fmt::Write;

/// 2026-01-31T12:00:00Z; the mix spreads its timestamps over the seven days before.
pub const NOW_US: i64 = 1_769_860_800_000_000;

const HEX: &[u8] = b"0123456789abcdef";
const LOWER: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
const BROWSERS: [&str; 4] = ["Chrome", "Firefox", "Safari", "Edge"];
const SYSTEMS: [&str; 5] = ["Windows", "macOS", "Linux", "iOS", "Android"];
const DEVICES: [&str; 3] = ["desktop", "mobile", "tablet"];
const COUNTRIES: [&str; 6] = ["US", "GB", "DE", "FR", "JP", "BR"];
const SOURCES: [&str; 5] = ["\"organic\"", "\"paid\"", "\"social\"", "\"email\"", "null"];
const CATEGORIES: [&str; 4] = ["electronics", "clothing", "books", "home"];
const CURRENCIES: [&str; 4] = ["USD", "EUR", "GBP", "JPY"];
const BUTTONS: [&str; 3] = ["add_to_cart_main", "add_to_cart_quick", "buy_now"];

/// A batch body of `count` events, every `broken_every`-th of them (0: none) broken in one of six ways.
pub fn batch(seed: u64, count: usize, broken_every: usize) -> String {
    let mut mix = Mix(seed | 1);
    let events: Vec<String> = (1..=count)
        .map(|number| {
            if broken_every > 0 && number % broken_every == 0 {
                mix.broken()
            } else {
                mix.event()
            }
        })
        .collect();
    format!("{{\"events\": [{}]}}", events.join(", "))
}

/// xorshift64*: enough for a workload, and the same on every machine.
struct Mix(u64);

impl Mix {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33).unwrap_or(0) % bound
    }

    fn one<'t>(&mut self, of: &[&'t str]) -> &'t str {
        of[self.below(of.len())]
    }

    fn text(&mut self, alphabet: &[u8], length: usize) -> String {
        (0..length)
            .map(|_| alphabet[self.below(alphabet.len())] as char)
            .collect()
    }

    fn event(&mut self) -> String {
        let (name, properties) = match self.below(100) {
            0..50 => ("page_view", self.page_view()),
            50..75 => ("product_view", self.product_view()),
            75..90 => ("add_to_cart", self.add_to_cart()),
            90..97 => ("purchase", self.purchase()),
            _ => ("remove_from_cart", self.remove_from_cart()),
        };
        let timestamp = self.timestamp();
        self.envelope(name, &timestamp, &properties)
    }

    fn broken(&mut self) -> String {
        let now = "2026-01-31T12:00:00.000001+00:00";
        match self.below(6) {
            0 => self
                .envelope("page_view", now, "{}")
                .replace("\"event_type\": \"page_view\", ", ""),
            1 => self.envelope("unknown_event", now, "{}"),
            2 => self.envelope("page_view", "2026-01-31T13:00:00.000001+00:00", "{}"),
            3 => self.envelope("page_view", "2025-12-02T12:00:00.000001+00:00", "{}"),
            4 => self.envelope("purchase", now, "{}"),
            _ => {
                let properties = self.product_view().replace("\"price\": ", "\"price\": -");
                self.envelope("product_view", now, &properties)
            }
        }
    }

    fn envelope(&mut self, name: &str, timestamp: &str, properties: &str) -> String {
        let user = match self.below(10) {
            0 => "null".to_owned(),
            _ => format!("\"user_{}\"", self.text(HEX, 12)),
        };
        let session = self.text(HEX, 16);
        format!(
            "{{\"user_id\": {user}, \"session_id\": \"session_{session}\", \"event_type\": \"{name}\", \
             \"timestamp\": \"{timestamp}\", \"properties\": {properties}}}"
        )
    }

    fn timestamp(&mut self) -> String {
        let (day, hour, minute) = (24 + self.below(7), self.below(24), self.below(60));
        let (second, micros) = (self.below(60), self.below(1_000_000));
        format!("2026-01-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}+00:00")
    }

    fn page_view(&mut self) -> String {
        let mut out = format!(
            "{{\"page_url\": \"https://example.com/page/{}\"",
            self.text(LOWER, 5)
        );
        let (browser, system, device) =
            (self.one(&BROWSERS), self.one(&SYSTEMS), self.one(&DEVICES));
        let _ = write!(
            out,
            ", \"browser\": \"{browser}\", \"os\": \"{system}\", \"device_type\": \"{device}\""
        );
        let (country, source) = (self.one(&COUNTRIES), self.one(&SOURCES));
        let _ = write!(out, ", \"country\": \"{country}\", \"source\": {source}}}");
        out
    }

    fn product_view(&mut self) -> String {
        let mut out = format!(
            "{{\"page_url\": \"https://example.com/products/{}\", ",
            self.text(LOWER, 5)
        );
        out += &self.product();
        let (currency, browser) = (self.one(&CURRENCIES), self.one(&BROWSERS[..3]));
        let device = self.one(&DEVICES);
        let _ = write!(
            out,
            ", \"currency\": \"{currency}\", \"browser\": \"{browser}\", \"device_type\": \"{device}\"}}"
        );
        out
    }

    fn add_to_cart(&mut self) -> String {
        let (product, quantity, button) = (self.product(), 1 + self.below(5), self.one(&BUTTONS));
        format!(
            "{{{product}, \"quantity\": {quantity}, \"currency\": \"USD\", \"button_clicked\": \"{button}\"}}"
        )
    }

    fn purchase(&mut self) -> String {
        let (product, quantity, country) = (
            self.product(),
            1 + self.below(10),
            self.one(&COUNTRIES[..3]),
        );
        format!(
            "{{{product}, \"quantity\": {quantity}, \"currency\": \"USD\", \"country\": \"{country}\"}}"
        )
    }

    fn remove_from_cart(&mut self) -> String {
        let (product, quantity) = (self.text(LOWER, 8), 1 + self.below(3));
        format!(
            "{{\"product_id\": \"prod_{product}\", \"quantity\": {quantity}, \"button_clicked\": \"remove_item\"}}"
        )
    }

    fn product(&mut self) -> String {
        let (id, name, category) = (
            self.text(LOWER, 8),
            self.text(LOWER, 5),
            self.one(&CATEGORIES),
        );
        let (whole, cents) = (10 + self.below(990), self.below(100));
        format!(
            "\"product_id\": \"prod_{id}\", \"product_name\": \"Product {name}\", \"category\": \"{category}\", \
             \"price\": {whole}.{cents:02}"
        )
    }
}
