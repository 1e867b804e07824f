"""The reference mix of events, exact in fields and shares, from a seed. No server, no clock."""

from __future__ import annotations

import json
import random
import string
from datetime import datetime, timedelta
from typing import Any, Final

Event = dict[str, Any]

#: What a user of the realistic profile does, in per cent; "batch" is a small one.
REALISTIC: Final = {
    "page_view": 40,
    "product_view": 30,
    "add_to_cart": 10,
    "remove_from_cart": 5,
    "purchase": 5,
    "batch": 10,
}
#: Events inside a batch, in per cent.
BATCH: Final = {
    "page_view": 50,
    "product_view": 25,
    "add_to_cart": 15,
    "purchase": 7,
    "remove_from_cart": 3,
}
STRESS_BATCH: Final = 200
SMALL_BATCH: Final = (5, 15)
#: In the invalid mode every so-many-th event is broken.
BROKEN_EVERY: Final = 5

MAX_AGE_S = 7 * 86_400
HEX = "0123456789abcdef"
LOWER = string.ascii_lowercase + string.digits
BROWSERS = ("Chrome", "Firefox", "Safari", "Edge")
SYSTEMS = ("Windows", "macOS", "Linux", "iOS", "Android")
DEVICES = ("desktop", "mobile", "tablet")
COUNTRIES = ("US", "GB", "DE", "FR", "JP", "BR")
SOURCES = ("organic", "paid", "social", "email", None)
CATEGORIES = ("electronics", "clothing", "books", "home")
CURRENCIES = ("USD", "EUR", "GBP", "JPY")
BUTTONS = ("add_to_cart_main", "add_to_cart_quick", "buy_now")
REMOVE_BUTTONS = ("remove_item", "clear_cart")


class Workload:
    """A stream of events that depends on `seed` and `now` alone."""

    def __init__(self, seed: int, now: datetime) -> None:
        self._random = random.Random(seed)
        self._now = now

    def realistic(self) -> str:
        """What the next user of the realistic profile does: an event type, or "batch"."""
        return self._drawn(REALISTIC)

    def small_batch(self) -> list[Event]:
        """5 to 15 events."""
        return self.batch(self._random.randint(*SMALL_BATCH))

    def batch(self, count: int) -> list[Event]:
        """`count` events in the shares of a batch."""
        return [self.event(self._drawn(BATCH)) for _ in range(count)]

    def broken_batch(self, count: int) -> list[Event]:
        """`count` events in the shares of a batch, every fifth broken."""
        return self.with_broken(self.batch(count))

    def with_broken(self, events: list[Event]) -> list[Event]:
        """The events; every fifth, from the fifth on, is broken in one of six ways."""
        return [
            event if number % BROKEN_EVERY else self.broken(event)
            for number, event in enumerate(events, 1)
        ]

    def event(self, event_type: str) -> Event:
        """One valid event of that type."""
        age = timedelta(seconds=self._random.uniform(0, MAX_AGE_S))
        return {
            "user_id": None if self._random.random() < 0.1 else "user_" + self._text(HEX, 12),
            "session_id": "session_" + self._text(HEX, 16),
            "event_type": event_type,
            "timestamp": (self._now - age).isoformat(timespec="microseconds"),
            "properties": getattr(self, f"_{event_type}")(),
        }

    def broken(self, event: Event) -> Event:
        """The event, broken in one of six ways."""
        way = self._random.randrange(6)
        if way == 0:
            return {name: value for name, value in event.items() if name != "event_type"}
        if way == 1:
            return event | {"event_type": "unknown_event"}
        if way == 2:
            return event | {"timestamp": (self._now + timedelta(hours=1)).isoformat()}
        if way == 3:
            return event | {"timestamp": (self._now - timedelta(days=60)).isoformat()}
        if way == 4:
            return event | {"event_type": "purchase", "properties": {}}
        return event | {"properties": event["properties"] | {"price": -100}}

    def _page_view(self) -> Event:
        return {
            "page_url": "https://example.com/page/" + self._text(LOWER, 5),
            "browser": self._random.choice(BROWSERS),
            "os": self._random.choice(SYSTEMS),
            "device_type": self._random.choice(DEVICES),
            "country": self._random.choice(COUNTRIES),
            "source": self._random.choice(SOURCES),
        }

    def _product_view(self) -> Event:
        return {
            "page_url": "https://example.com/products/" + self._text(LOWER, 5),
            **self._product(),
            "category": self._random.choice(CATEGORIES),
            "price": self._price(),
            "currency": self._random.choice(CURRENCIES),
            "browser": self._random.choice(BROWSERS[:3]),
            "device_type": self._random.choice(DEVICES),
        }

    def _add_to_cart(self) -> Event:
        return {
            **self._product(),
            "category": self._random.choice(CATEGORIES[:3]),
            "price": self._price(),
            "quantity": self._random.randint(1, 5),
            "currency": "USD",
            "button_clicked": self._random.choice(BUTTONS),
        }

    def _remove_from_cart(self) -> Event:
        return {
            "product_id": "prod_" + self._text(LOWER, 8),
            "quantity": self._random.randint(1, 3),
            "button_clicked": self._random.choice(REMOVE_BUTTONS),
        }

    def _purchase(self) -> Event:
        return {
            **self._product(),
            "category": self._random.choice(CATEGORIES),
            "price": self._price(),
            "quantity": self._random.randint(1, 10),
            "currency": "USD",
            "country": self._random.choice(COUNTRIES[:3]),
        }

    def _product(self) -> Event:
        return {
            "product_id": "prod_" + self._text(LOWER, 8),
            "product_name": "Product " + self._text(LOWER, 5),
        }

    def _price(self) -> float:
        return round(self._random.uniform(10.0, 999.99), 2)

    def _text(self, alphabet: str, length: int) -> str:
        return "".join(self._random.choices(alphabet, k=length))

    def _drawn(self, shares: dict[str, int]) -> str:
        return self._random.choices(list(shares), weights=list(shares.values()))[0]


def batch_body(events: list[Event]) -> str:
    """The body that Python's HTTP clients send: ASCII, a space after each comma and colon."""
    return json.dumps({"events": events})
