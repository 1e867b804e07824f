"""Becomes a server's program: `python -I -S spawn.py PARENT SIGNAL NOFILE BATCH UID GID PROGRAM`.

A step of its own between fork and exec, because a fork handler is not safe beside threads. It gives
up root first: a change of user clears the death signal. Uses the standard library alone.
"""

import contextlib
import ctypes
import os
import resource
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Limit, schedule, drop, tie to the parent, become the program."""
    parent, death_signal, nofile, is_batch, uid, gid = map(int, sys.argv[1:7])
    _allow_files(nofile)
    if is_batch and sys.platform == "linux":
        # Where it is not allowed, it only costs more.
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    if os.geteuid() == 0 and uid != 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit("the supervisor ended while this process was being started")
    os.execv(sys.argv[7], sys.argv[7:])  # noqa: S606 - its purpose


def _allow_files(wanted: int) -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))


if __name__ == "__main__":
    main()
