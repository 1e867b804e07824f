"""`python -m bench.report RESULT.json… [--out DIR]`: write one report of kept results again."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from bench.report import page
from bench.report.figures import NotAResultError, load
from bench.report.merge import DifferentError, merge
from bench.report.stored import Stored


def main() -> int:
    """Write report.html and summary.md beside the first result, or all into another directory."""
    parser = argparse.ArgumentParser(prog="python -m bench.report", description=__doc__)
    parser.add_argument("results", type=Path, nargs="+", help="result.json of each slice")
    parser.add_argument("--out", type=Path, help="also writes the joined result.json there")
    given = parser.parse_args()
    out: Path = given.out or given.results[0].parent
    try:
        written = _join(given.results, out, is_other=given.out is not None)
    except (NotAResultError, DifferentError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    print(written.with_name("summary.md").read_text(encoding="utf-8"))
    print(written)
    return 0


def _join(paths: list[Path], out: Path, *, is_other: bool) -> Path:
    joined = out / "result.json"
    if is_other and joined.resolve() in {path.resolve() for path in paths}:
        raise DifferentError(f"{joined} is one of the results: choose another --out")
    results = [load(path) for path in paths]
    try:
        result = merge(results)
        out.mkdir(parents=True, exist_ok=True)
        written = page.write(result, out, Stored.load())
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise NotAResultError(f"results of an older bench, or none ({error!r})") from None
    if is_other:
        joined.write_text(json.dumps(result), encoding="utf-8")
    return written


if __name__ == "__main__":
    sys.exit(main())
