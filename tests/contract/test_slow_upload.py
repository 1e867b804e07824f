"""Many whole large bodies, each sent slowly at the same time: memory stays where it was told."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import psutil

from tests.contract.wire import NATIVE, connect, good, head, packed, post, read

if TYPE_CHECKING:
    from tests.running import Running

UPLOADS, PIECES = 200, 8
BODY_BYTES = 1 << 20
#: Of each body at the edge, and of what is with a worker at once while it is read.
EDGE_BYTES = UPLOADS * BODY_BYTES
WORKER_BYTES = 160 << 20


def test_slow_large_uploads_are_held_by_the_edge_alone(stack: Running) -> None:
    event = packed(good(properties={"text": "x" * 60_000}))
    body = (b"[" + b",".join([event] * 17) + b"]").ljust(BODY_BYTES)
    headers = {"Host": "x", "X-Api-Key": stack.run.api_key, "Content-Type": "application/json"}
    request = head("POST", NATIVE, headers | {"Content-Length": str(len(body))})
    before = memory(stack)
    with ExitStack() as held:
        connections = [held.enter_context(connect(stack)) for _ in range(UPLOADS)]
        for connection in connections:
            connection.sendall(request)
        step = BODY_BYTES // PIECES
        for at in range(0, BODY_BYTES - step, step):
            for connection in connections:
                connection.sendall(body[at : at + step])
        most = memory(stack)
        assert post(stack, good()).status == 202
        for connection in connections:
            connection.sendall(body[-step:])
        answers = [read(connection) for connection in connections]
    after = memory(stack)
    assert most["edge"] - before["edge"] < 1.2 * EDGE_BYTES
    for name in ("worker-0", "worker-1"):
        assert most[name] - before[name] < 16 << 20, "nothing of them has reached a worker"
        assert after[name] - before[name] < WORKER_BYTES
    refused = [answer for answer in answers if answer.status != 202]
    assert {answer.code for answer in refused} <= {"overloaded", "stream_full"}
    assert len(refused) < UPLOADS


def memory(stack: Running) -> dict[str, int]:
    """Give what each process and its children hold now."""
    return {
        name: sum(one.memory_info().rss for one in (process, *process.children(recursive=True)))
        for name, pid in stack.run.pids.items()
        for process in [psutil.Process(pid)]
        if name != "postgres"
    }
