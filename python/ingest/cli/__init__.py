"""The command `ingest`. Each command is a module of the same name; heavy imports wait inside it."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command of the command line."""
    try:
        from ingest.cli.app import run

        run()
    except KeyboardInterrupt:  # while the modules are still being read
        sys.exit(130)
