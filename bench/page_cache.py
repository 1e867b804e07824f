"""Fills the memory that is free with pages of a file, as on a machine that has run for long.

A virtual machine's free memory may be the host's: the first touch of a page that the host has yet
to provide took 9 to 12 us where one that is there took 0.3 (1 GB written with dd to a new file, to
memory that was fresh and to memory that was just freed). A server whose page cache is full does not
see this, and one that was started for a benchmark does.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from pathlib import Path

MIB = 1 << 20
#: The rest stays free for what is started after.
SHARE = 0.9


def fill(path: Path) -> None:
    """Read a file of holes at `path` that is nearly as large as memory; the file must stay."""
    nbytes = int(SHARE * psutil.virtual_memory().available)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        # Made shorter it would give back the pages that it holds.
        os.truncate(path, max(nbytes, path.stat().st_size))
        piece = bytearray(MIB)
        while file.tell() < nbytes and file.readinto(piece):
            pass
