"""A small file system in memory, full without harm to the machine. Linux and root only."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ingest.local.account import for_servers

if TYPE_CHECKING:
    from collections.abc import Iterator

MIB, PAGE = 1 << 20, 4096
SIZE_MIB = 128


def unable() -> str:
    """Say why a small disk can't be had here; empty when it can."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        return "a file system of one's own needs Linux and root"
    with tempfile.TemporaryDirectory() as directory:
        try:
            with small(Path(directory)):
                return ""
        except subprocess.CalledProcessError as error:
            return f"mount: {error.stderr.decode(errors='replace').strip()}"


@contextmanager
def small(path: Path) -> Iterator[None]:
    """Mount one at `path`, which is made if need be and belongs to the account of the servers."""
    path.mkdir(parents=True, exist_ok=True)
    options = f"size={SIZE_MIB}m,mode=0700"
    argv = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(path)]
    subprocess.run(argv, check=True, capture_output=True)
    try:
        account = for_servers("nobody")
        if account is not None:
            account.own(path)
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True, capture_output=True)


def fill(path: Path) -> None:
    """Write a file into all the room that is left, while others write too."""
    with path.open("wb", buffering=0) as file:
        for block in (bytes(MIB), bytes(PAGE)):
            try:
                while file.write(block) == len(block):
                    pass
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
