"""Joins results that were measured in slices: one machine, one source, the same versions."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.report.figures import Result

#: What must be the same for numbers to stand in one table.
SAME: Final = ("machine", "versions", "source", "build")

#: What must be the same for runs of a scenario to be repeats of each other.
LOAD: Final = ("duration_s", "warmup_s", "connections", "requests")


class DifferentError(ValueError):
    """Results that don't belong together."""


def merge(results: Sequence[Result]) -> Result:
    """Put all outcomes into one result; each system's repeats of a scenario are counted on."""
    first, *others = results
    if others:
        _refuse_unsure(results)
    for other in others:
        different = [name for name in SAME if other["about"].get(name) != first["about"].get(name)]
        if different:
            told = "; ".join(f"{name}: {_both(first, other, name)}" for name in different)
            raise DifferentError(f"results differ in {told}: measure all on one commit")
    about = first["about"] | {
        "command": "; ".join(one["about"]["command"] for one in results),
        "settings": [each for one in results for each in plans(one["about"])],
        "slices": [each for one in results for each in _slices(one)],
    }
    limits = [limit for one in results for limit in one["limits"]]
    return {
        "about": about if others else first["about"],
        "end": "; ".join(one["end"] for one in results if one["end"]),
        "kernel": [ratio for one in results for ratio in one["kernel"]],
        "limits": [limit | {"repeat": number} for number, limit in enumerate(limits)],
        "outcomes": _counted_on([outcome for one in results for outcome in one["outcomes"]]),
    }


def plans(about: Result) -> list[Result]:
    """Give the settings of each slice; a result that was not joined is one."""
    settings = about["settings"]
    return list(settings) if isinstance(settings, list) else [settings]


def _slices(result: Result) -> list[str]:
    """Name the runs of a result; one that was joined has several."""
    about = result["about"]
    return list(about.get("slices", [f"{about['date']} {about['command']}"]))


def _refuse_unsure(results: Sequence[Result]) -> None:
    """Refuse what would count twice, or is of unknown code, or of trials of another length."""
    runs = Counter(each for one in results for each in _slices(one))
    if max(runs.values()) > 1:
        raise DifferentError("a result was given twice")
    if results[0]["about"]["source"].endswith("+"):
        raise DifferentError("results of files that differ from the commit can't be joined")
    systems: dict[str, Result] = {}
    for one in (one for result in results for one in plans(result["about"])):
        for name, settings in one["systems"].items():
            if systems.setdefault(name, settings) != settings:
                raise DifferentError(f"{name} had other settings in one of the results")
    loads: dict[tuple[str, str], Result] = {}
    for outcome in (outcome for one in results for outcome in one["outcomes"]):
        key = outcome["system"], outcome["scenario"]
        load = {name: outcome["details"]["load"][name] for name in LOAD}
        if loads.setdefault(key, load) != load:
            raise DifferentError(f"{key[0]}, {key[1]}: {loads[key]} and {load}")


def _both(first: Result, other: Result, name: str) -> str:
    return f"{first['about'].get(name)} and {other['about'].get(name)}"


def _counted_on(outcomes: Sequence[Result]) -> list[Result]:
    seen: Counter[tuple[str, str]] = Counter()
    counted = []
    for outcome in outcomes:
        key = outcome["system"], outcome["scenario"]
        counted.append(outcome | {"repeat": seen[key]})
        seen[key] += 1
    return counted
