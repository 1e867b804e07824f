"""What duplicates and poison cost a consumer that has a backlog: ratios and bounds of one run."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

import pytest
from ingest._native import SHAPE_NATIVE

from bench import usage
from bench.workload import Workload
from tests.integration.consuming import SHARDS, Worker, consuming, settings
from tests.unit.consumer.entries import ENCODER

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from ingest._native import Batch
    from ingest.local.postgres import EmbeddedPostgres
    from ingest.local.valkey import EmbeddedValkey
    from ingest.settings import Settings

pytestmark = pytest.mark.slow

ROWS, BATCHES = 250, 800
ROUNDS = 3
# One batch in so many is sent twice.
TWICE = 100
LEAST_RATIO = 0.6
POISON_S = 10.0
CHECK = "ALTER TABLE event ADD CONSTRAINT cheap CHECK (event_type <> 'purchase')"

_keys = count()


@pytest.fixture
def given(dsn: str, valkey: EmbeddedValkey) -> Settings:
    return settings(dsn, valkey.consumer_url)


@pytest.fixture
def worker(dsn: str, valkey: EmbeddedValkey, given: Settings) -> Iterator[Worker]:
    worker = Worker(valkey.url, dsn)
    worker.client.flushall()
    with consuming(given):
        pass
    yield worker
    worker.close()


def batch(project: UUID, poison: Collection[int] = ()) -> Batch:
    """Encode a request with ids that may repeat; the events at `poison` are purchases."""
    now = datetime.now(UTC)
    mix = Workload(next(_keys), now)
    events = [mix.event("purchase" if n in poison else "product_view") for n in range(ROWS)]
    received_us, key = int(now.timestamp() * 1e6), f"key-{next(_keys)}"
    body = json.dumps(events)
    made = ENCODER.encode(body, project.bytes, received_us, SHAPE_NATIVE, idempotency_key=key)
    assert made.rows == ROWS
    return made


class Spent(NamedTuple):
    """What storing a backlog took; the CPU time is the server's and the consumer's."""

    seconds: float
    cpu_s: float


def drain(
    given: Settings, worker: Worker, postgres: EmbeddedPostgres, batches: Sequence[Batch]
) -> Spent:
    """Append a backlog, let a consumer store it, and give what that took."""
    worker.execute("TRUNCATE event")
    for number, each in enumerate(batches):
        worker.append(number % SHARDS, each)
    pids = {"postgres": postgres.pid or 0}
    before_s = usage.cpu_s(pids)["postgres"] + time.process_time()
    with consuming(given):
        began = time.monotonic()
        worker.wait_settled()
        seconds = time.monotonic() - began
        # While its sessions live: of one that is just ending nobody tells.
        after_s = usage.cpu_s(pids)["postgres"] + time.process_time()
    return Spent(seconds, after_s - before_s)


def backlog(projects: int, *, is_doubled: bool) -> list[Batch]:
    """Make requests of some projects; of the first one some are sent twice, 1 % of all."""
    made = [batch(UUID(int=1 + number % projects)) for number in range(BATCHES)]
    if is_doubled:
        for number in range(0, BATCHES, TWICE):
            made[number + projects] = made[number]
    return made


@pytest.mark.parametrize("projects", [1, 5])
def test_one_percent_of_duplicates_leaves_most_of_the_rate(
    given: Settings, worker: Worker, postgres: EmbeddedPostgres, projects: int
) -> None:
    """All rows have ids that may repeat, the dearer case; CPU time, as the machine is shared."""
    spent: dict[bool, list[Spent]] = {False: [], True: []}
    for _ in range(ROUNDS):
        for is_doubled, runs in spent.items():
            runs.append(drain(given, worker, postgres, backlog(projects, is_doubled=is_doubled)))
    without, doubled = (min(run.cpu_s for run in runs) for runs in spent.values())
    assert worker.fates()["duplicates"] == ROUNDS * BATCHES * ROWS // TWICE
    assert without / doubled > LEAST_RATIO, spent


@pytest.mark.parametrize("spread", ["every request", "one project"])
def test_poison_in_a_tenth_of_the_rows_takes_seconds(
    given: Settings, worker: Worker, postgres: EmbeddedPostgres, spread: str
) -> None:
    worker.execute(CHECK)
    mine, others = UUID(int=1), UUID(int=2)
    if spread == "one project":
        made = [batch(mine, range(ROWS)) for _ in range(20)] + [batch(others) for _ in range(180)]
    else:
        made = [batch(mine, range(0, ROWS, 10)) for _ in range(200)]
    spent = drain(given, worker, postgres, made[::2] + made[1::2])
    assert worker.fates() == {"stored": 45_000, "duplicates": 0, "dead": 5_000}
    assert worker.query("SELECT count(*)::int FROM dead_letter") == [(5_000,)]
    assert spent.seconds < POISON_S
