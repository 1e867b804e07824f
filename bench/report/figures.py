"""Medians and spreads over the repeats of a result, by system and scenario."""

from __future__ import annotations

import json
import statistics
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

Result = dict[str, Any]
#: Where numbers of the parts stand among those of the systems, and which parts there are.
LIMIT: Final = "limit"
PARTS: Final = ("disk", "copy", "stream", "edge")
RESULT: Final = ("about", "end", "kernel", "limits", "outcomes")


#: What is larger than this is written without decimals.
WHOLE: Final = 100


class NotAResultError(ValueError):
    """A file that holds something else, or nothing that can be read."""


@dataclass(frozen=True)
class Figure:
    """One number over the repeats."""

    median: float
    low: float
    high: float
    runs: int

    @classmethod
    def of(cls, values: Iterable[float]) -> Figure | None:
        """Sum up values; None when there are none."""
        known = [value for value in values if value == value]  # noqa: PLR0124 - nan is left out
        if not known:
            return None
        return cls(statistics.median(known), min(known), max(known), len(known))


class Figures:
    """All numbers of one result."""

    def __init__(self, result: Result) -> None:
        """Group the outcomes."""
        self._outcomes = result["outcomes"]
        self._values: dict[tuple[str, str, str], list[float]] = defaultdict(list)
        for outcome in result["outcomes"]:
            for name, value in outcome["figures"].items():
                self._values[outcome["system"], outcome["scenario"], name].append(value)
        for limits in result["limits"]:
            for part in PARTS:
                for name, value in limits[part].items():
                    self._values[LIMIT, part, name].append(value)

    def get(self, system: str, scenario: str, name: str) -> Figure | None:
        """Give one number; None when it was not measured."""
        return Figure.of(self._values.get((system, scenario, name), []))

    def runs(self) -> tuple[int, int]:
        """Give how often the least and the most often run scenario was; (0, 0) for none."""
        counted = Counter((one["system"], one["scenario"]) for one in self._outcomes)
        return min(counted.values(), default=0), max(counted.values(), default=0)

    def names(self, system: str, scenario: str) -> list[str]:
        """Name the numbers of a scenario."""
        return [name for where, what, name in self._values if (where, what) == (system, scenario)]

    def medians(self) -> Mapping[str, float]:
        """Give all medians under one flat name each."""
        return {
            "/".join(key): round(statistics.median(values), 4)
            for key, values in sorted(self._values.items())
        }


def number(value: float) -> str:
    """Write a number with three digits, or all that stand before the point."""
    return f"{value:,.0f}" if abs(value) >= WHOLE else f"{value:.3g}"


def load(path: Path) -> Result:
    """Read a result file; NotAResultError when it is none, or one of an older form."""
    try:
        result: Result = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise NotAResultError(f"{path}: {error}") from None
    missing = [part for part in RESULT if not isinstance(result, dict) or part not in result]
    if missing:
        raise NotAResultError(f"{path} is no result of this bench: it has no {missing[0]}")
    return result
