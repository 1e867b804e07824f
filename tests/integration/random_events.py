"""Events of every kind that the encoder accepts, written in every way, from a seed.

A random JSON member is dear to make, so a pool of them is made first and events are put together
from it: about 6 µs an event, no two alike.
"""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: Whatever JSON can say, with an event type of more than one byte a character.
SCHEMA = """
name = "anything"
layout = 1
[envelope]
timestamp = "optional"
properties = "optional"
[event_types.a]
[event_types."sïgn up 😀"]
"""
TYPES = ("a", "sïgn up 😀")
POOL = 20_000
MAX_AGE = timedelta(days=30)
MAX_AHEAD = timedelta(days=1)
#: Levels that are left for a member of `properties`: 32 less the event and its properties.
LEVELS = 30

NUMBERS = (
    "0", "-0", "0.0", "-0.0e0", "0e0", "1e308", "-1e308", "1E-308", "9.99e+307", "1e-0",
    "9007199254740993", "18446744073709551616", "-9223372036854775809", "0.1", "123.4500",
    "1e00000000000000000000000000000308", "9" * 100, "-" + "8" * 99, "0." + "7" * 99,
    "0." + "0" * 90 + "1e-308", "1" * 90 + "e308",
)  # fmt: skip
TEXTS = (
    "", " ", "a", "é", "😀", "\u0001", "\x1f", "\x7f", "\x80", "\ufeff", "\ufffe", "\uffff",
    "\ufdd0", "\U0010ffff", "\u2028", "\u202e", "\\", '"', "/", "\\u0000", "\\ud800", "%s", "\\N",
    "null", "'); DROP TABLE event; --", "\uff55\uff4e\uff49", "a" * 2000, "é" * 700, "\b\f\n\r\t",
)  # fmt: skip
BLANKS = ("", "", "", " ", "\n", "\t\r\n ")
ALPHABETS: tuple[Callable[[random.Random], str], ...] = (
    lambda draw: chr(draw.randrange(0x20, 0x7F)),
    lambda draw: chr(draw.randrange(1, 0x20)),
    lambda draw: chr(draw.randrange(0xA0, 0x800)),
    lambda draw: chr(draw.randrange(0x800, 0xD800)),
    lambda draw: chr(draw.randrange(0xE000, 0x10000)),
    lambda draw: chr(draw.randrange(0x10000, 0x110000)),
)


class RandomEvents:
    """A stream of event texts that depends on `seed` and `now` alone."""

    def __init__(self, seed: int, now: datetime) -> None:
        self._random = random.Random(seed)  # noqa: S311 - a test's input
        self._now = now
        self._members = [self._member() for _ in range(POOL)]
        self._texts = [self._string(1024) for _ in range(POOL)]

    def bodies(self, per_body: int) -> Iterator[str]:
        """Yield JSON arrays of `per_body` events for ever."""
        while True:
            yield f"[{','.join(self.event() for _ in range(per_body))}]"

    def event(self) -> str:
        """One event: envelope members in any order, some left out."""
        draw = self._random
        members = [f'"event_type":"{draw.choice(TYPES)}"']
        if draw.random() < 0.95:
            members.append(f'"timestamp":"{self._timestamp()}"')
        names = [name for name in ("user_id", "session_id") if draw.random() < 0.6]
        members += [f'"{name}":{self._text_or_null()}' for name in names]
        if draw.random() < 0.95:
            members.append(f'"properties":{{{self._some_members()}}}')
        draw.shuffle(members)
        return f"{{{','.join(members)}}}"

    def _some_members(self) -> str:
        return ",".join(self._random.choices(self._members, k=self._random.randrange(6)))

    def _text_or_null(self) -> str:
        return "null" if self._random.random() < 0.2 else self._random.choice(self._texts)

    def _timestamp(self) -> str:
        at = self._now + MAX_AHEAD - self._random.random() * (MAX_AGE + MAX_AHEAD)
        kind = self._random.randrange(20)
        if kind < 2:
            at = self._now - MAX_AGE if kind else self._now + MAX_AHEAD
        if kind < 5:
            at = at.astimezone(tz=None if kind == 4 else UTC)
        text = at.isoformat()
        return text.replace("+00:00", self._random.choice(("Z", "z", "", "+00:00", "-00:00")))

    def _member(self) -> str:
        value = self._value(self._random.choice((1, 2, 3, 5)))
        if self._random.random() < 0.02:
            value = self._deep()
        return f"{self._key()}{self._blank()}:{self._blank()}{value}{self._blank()}"

    def _value(self, levels: int) -> str:
        draw = self._random
        kind = draw.randrange(8) if levels else draw.randrange(6)
        if kind < 2:
            return self._string(200)
        if kind < 4:
            return self._number()
        if kind < 6:
            return draw.choice(("null", "true", "false", "[]", "{}"))
        inner = [self._value(levels - 1) for _ in range(draw.randrange(4))]
        if kind == 6:
            return f"[{self._blank()}{','.join(inner)}{self._blank()}]"
        return f"{{{','.join(f'{self._key()}:{value}' for value in inner)}}}"

    def _deep(self) -> str:
        opening = self._random.choices(("[", '{"":', '{"k":'), k=LEVELS)
        closing = ("]" if step == "[" else "}" for step in reversed(opening))
        return f"{''.join(opening)}{self._number()}{''.join(closing)}"

    def _key(self) -> str:
        return (
            self._string(40) if self._random.random() < 0.5 else f'"k{self._random.randrange(9)}"'
        )

    def _number(self) -> str:
        draw = self._random
        if draw.random() < 0.3:
            return draw.choice(NUMBERS)
        if draw.random() < 0.5:
            return str(draw.randrange(-(10 ** draw.randrange(1, 40)), 10 ** draw.randrange(1, 40)))
        return repr(draw.uniform(-1, 1) * 10 ** draw.randrange(-300, 300))

    def _string(self, max_bytes: int) -> str:
        draw = self._random
        if draw.random() < 0.2:
            text = draw.choice(TEXTS)
        else:
            alphabet = draw.choice(ALPHABETS)
            text = "".join(
                alphabet(draw) for _ in range(draw.randrange(1 + min(30, max_bytes // 4)))
            )
        text = text.encode()[:max_bytes].decode(errors="ignore")
        return self._written(text)

    def _written(self, text: str) -> str:
        """The text as a JSON string, with all, some or only the necessary escapes."""
        style = self._random.randrange(4)
        if style == 0:
            units = text.encode("utf-16-be").hex()
            escapes = ("\\u" + units[at : at + 4] for at in range(0, len(units), 4))
            return f'"{"".join(escapes)}"'
        written = json.dumps(text, ensure_ascii=style == 1)
        return written.replace("/", "\\/") if style == 2 else written

    def _blank(self) -> str:
        return self._random.choice(BLANKS)
