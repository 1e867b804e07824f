"""How `ingest tail` shows an event, a refusal, and how many it saw: a line each.

What a client wrote is shown to a terminal here: control characters are escaped.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, NamedTuple

from ingest.project_id import id_of
from ingest.visible import escaped_json, visible

Item = dict[str, Any]


class Wanted(NamedTuple):
    """What is asked for; empty asks for nothing. A type is an event's, or a refusal's code."""

    project: str | None = None
    types: frozenset[str] = frozenset()

    def has(self, item: Item) -> bool:
        """Say whether it asks for an event or a refusal."""
        return self._has_project(item) and (not self.types or bool(self.types & _types(item)))

    def _has_project(self, item: Item) -> bool:
        if self.project is None:
            return True
        asked = id_of(self.project)
        if asked is None:
            return bool(item["project"] == self.project)
        return bool(item["project_id"] == str(asked))


def as_json(kind: str, item: Item) -> str:
    """Give it for scripts; properties that are whole are JSON again, every digit kept."""
    if kind != "event" or item["is_cut"]:
        return json.dumps({"kind": kind} | item)
    rest = {name: value for name, value in item.items() if name != "properties"}
    return f'{json.dumps({"kind": kind} | rest)[:-1]}, "properties": {_ascii(item["properties"])}}}'


def event_line(item: Item, width: int) -> str:
    """Show an event, cut to the width of the terminal (0: not cut)."""
    who = [f"{name}={item[name]}" for name in ("user_id", "session_id") if item[name]]
    at = datetime.fromisoformat(item["received_at"])
    words = [_time(at), _project(item), item["event_type"], *who, item["properties"]]
    return _shown("  ".join(words), width)


def refusal_line(item: Item, width: int) -> str:
    """Show a refused request: status and code, or the codes of its rejected events."""
    at = datetime.fromtimestamp(item["at"], UTC)
    what = f"REFUSED {item['status']} {item['code']}"
    if item["events"]:
        first, rejected = item["events"][0], item["rejected"]
        what = f"REFUSED {rejected} of its events: {first['code']}"
        why = f"{first['field']}: {first['message']}" if first["field"] else first["message"]
    else:
        why = item["message"]
    words = [_time(at), _project(item), what, item["route"], why, f"request {item['request_id']}"]
    return _shown("  ".join(words), width)


def _ascii(text: str) -> str:
    """Escape in JSON text what is not ASCII; that is only in its strings."""
    return "".join(sign if " " <= sign <= "~" else escaped_json(sign) for sign in text)


def _types(item: Item) -> set[str]:
    if "event_type" in item:
        return {item["event_type"]}
    return {item["code"], *(event["code"] for event in item["events"])}


def _project(item: Item) -> str:
    return item["project"] or item["project_id"] or "-"


def _time(at: datetime) -> str:
    return f"{at:%H:%M:%S}.{at.microsecond // 1000:03}"


def _shown(text: str, width: int) -> str:
    plain = visible(text)
    return plain if not width or len(plain) <= width else f"{plain[: width - 1]}…"
