"""Every test here runs between two good events, which are stored whatever it sends."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from tests.contract.wire import good, post
from tests.running import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.running import Running

STORED_S = 20.0


@pytest.fixture(autouse=True)
def surrounded(stack: Running) -> Iterator[None]:
    """Send a good event before and after, see both in the table and every process alive."""
    pids = stack.run.pids
    before, after = str(uuid4()), str(uuid4())
    assert post(stack, good(event_id=before)).status == 202
    yield
    assert post(stack, good(event_id=after)).status == 202
    until(lambda: {before, after} <= set(stack.stored()), STORED_S, "both events stored")
    assert stack.run.pids == pids
