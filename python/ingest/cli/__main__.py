"""Lets `python -m ingest.cli` be the command `ingest`, as the supervisor starts it."""

from ingest.cli import main

main()
