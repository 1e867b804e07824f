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
    try:
        result = merge([load(path) for path in given.results])
    except (NotAResultError, DifferentError) as error:
        print(error, file=sys.stderr)
        return 2
    out: Path = given.out or given.results[0].parent
    if given.out:
        out.mkdir(parents=True, exist_ok=True)
        (out / "result.json").write_text(json.dumps(result), encoding="utf-8")
    written = page.write(result, out, Stored.load())
    print(written.with_name("summary.md").read_text(encoding="utf-8"))
    print(written)
    return 0


if __name__ == "__main__":
    sys.exit(main())
