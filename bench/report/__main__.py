"""`python -m bench.report RESULT.json`: write the report of a kept result again."""

from __future__ import annotations

import sys
from pathlib import Path

from bench.report import page
from bench.report.figures import load

if __name__ == "__main__":
    source = Path(sys.argv[1])
    print(page.write(load(source), source.parent, None))
