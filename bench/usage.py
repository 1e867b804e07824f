"""CPU time and memory of running processes, from /proc. Linux only."""

from __future__ import annotations

import os
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

PROC = Path("/proc")
TICKS_S = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


class Stat(NamedTuple):
    """One process: parent, CPU seconds with those of its ended children, resident bytes."""

    parent: int
    cpu_s: float
    rss: int


@dataclass(frozen=True)
class Memory:
    """Of a tree of processes.

    PSS counts a shared page once. Own is PSS without shared memory: PostgreSQL's buffers, which
    fill up and stay.
    """

    rss: int
    pss: int
    own: int


def scan() -> dict[int, Stat]:
    """Read every process once; about 20 microseconds each."""
    found = {}
    for entry in os.scandir(PROC):
        if entry.name.isdigit():
            with suppress(OSError):
                found[int(entry.name)] = _stat(Path(entry.path, "stat").read_bytes())
    return found


def trees(roots: Mapping[str, int], found: Mapping[int, Stat]) -> dict[str, set[int]]:
    """Give each root's processes. A root below another one is not part of that one's tree."""
    children = defaultdict(list)
    for pid, stat in found.items():
        children[stat.parent].append(pid)
    owned = set(roots.values())
    return {name: _below(pid, children, owned) & found.keys() for name, pid in roots.items()}


def cpu_s(roots: Mapping[str, int]) -> dict[str, float]:
    """Give the CPU seconds of each root's tree since its start, ended children included."""
    found = scan()
    return {
        name: sum(found[pid].cpu_s for pid in pids) for name, pids in trees(roots, found).items()
    }


def memory(roots: Mapping[str, int]) -> dict[str, Memory]:
    """Give the memory of each root's tree; walks the page tables, so not many times a second."""
    found = scan()
    return {
        name: _sum([_memory(pid, found[pid].rss) for pid in pids])
        for name, pids in trees(roots, found).items()
    }


def _stat(line: bytes) -> Stat:
    """Read proc(5)'s line; the name in brackets may hold anything."""
    fields = line[line.rindex(b")") + 2 :].split()
    ticks = sum(map(int, fields[11:15]))  # utime stime cutime cstime
    return Stat(int(fields[1]), ticks / TICKS_S, int(fields[21]) * PAGE)


def _below(root: int, children: Mapping[int, list[int]], owned: set[int]) -> set[int]:
    tree, todo = {root}, [root]
    while todo:
        for child in children.get(todo.pop(), []):
            if child not in owned:
                tree.add(child)
                todo.append(child)
    return tree


def _memory(pid: int, rss: int) -> Memory:
    sizes: dict[str, int] = defaultdict(int)
    with suppress(OSError):
        for line in (PROC / str(pid) / "smaps_rollup").read_text().splitlines()[1:]:
            name, size, *_ = line.split()
            sizes[name] = int(size) * 1024
    return Memory(rss, sizes["Pss:"], sizes["Pss:"] - sizes["Pss_Shmem:"])


def _sum(parts: list[Memory]) -> Memory:
    return Memory(
        sum(part.rss for part in parts),
        sum(part.pss for part in parts),
        sum(part.own for part in parts),
    )
