"""The command `ingest`. Each command is a module of the same name; heavy imports wait inside it."""

from __future__ import annotations


def main() -> None:
    """Run the command of the command line."""
    from ingest.cli.app import run

    run()
