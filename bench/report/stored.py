"""The stored result: what later ones are shown beside, and what the kernel's gate compares with."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from bench.machine import ROOT
from bench.report.figures import Figures, NotAResultError, Result
from bench.report.merge import plans

if TYPE_CHECKING:
    from pathlib import Path

PATH: Final = ROOT / "bench" / "stored.json"
#: What is told of it.
NEEDED: Final = {"date", "source", "machine", "versions", "settings"}
#: How often and how long a soak is asked for don't change what one trial measures.
IRRELEVANT: Final = {"repeats", "soak_s"}


@dataclass(frozen=True)
class Stored:
    """Medians by flat name, the kernel's ratios by kind, and what they were measured on."""

    about: dict[str, Any]
    kernel: dict[str, float]
    medians: dict[str, float]

    @classmethod
    def of(cls, result: Result) -> Self:
        """Keep what is worth comparing with."""
        kernel = {one["name"]: round(one["times"], 2) for one in result["kernel"]}
        return cls(result["about"], kernel, dict(Figures(result).medians()))

    @classmethod
    def load(cls, path: Path = PATH) -> Self | None:
        """Read the file; None when there is none, NotAResultError when it is something else."""
        if not path.exists():
            return None
        try:
            found = cls(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise NotAResultError(f"{path}: {error}") from None
        numbers = found.kernel, found.medians
        is_whole = isinstance(found.about, dict) and found.about.keys() >= NEEDED
        if not (is_whole and all(map(_has_numbers, numbers))):
            raise NotAResultError(f"{path} is no stored result of this bench")
        return found

    def write(self, path: Path = PATH) -> None:
        """Replace the file."""
        path.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")

    def is_like(self, result: Result) -> bool:
        """Tell whether trials were as long and as hard: others don't stand beside each other."""
        return all(plan == _plans(self.about)[0] for plan in _plans(result["about"]))


def _has_numbers(found: object) -> bool:
    return isinstance(found, dict) and all(isinstance(one, float | int) for one in found.values())


def _plans(about: dict[str, Any]) -> list[dict[str, Any]]:
    """Give what matters of the plan of each slice."""
    return [
        {name: value for name, value in one["plan"].items() if name not in IRRELEVANT}
        for one in plans(about)
    ]
