"""The days of the table as an operator sees them."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from ingest.store import day_tables, partitions

from tests.unit.store.rows import DAY

if TYPE_CHECKING:
    from ingest.store.session import Connection

FILL = """
    INSERT INTO event SELECT gen_random_uuid(), gen_random_uuid(), '2026-11-20 12:00Z', now(), 'x',
        NULL, NULL, '{}' FROM generate_series(1, 500)
"""


def test_each_day_has_its_rows_and_bytes(connection: Connection) -> None:
    partitions.ensure(connection, [DAY + 1])
    connection.execute(FILL)
    connection.execute("ANALYZE event")
    full, empty = day_tables.find(connection)
    assert (full.name, full.day, full.rows) == ("event_20261120", date(2026, 11, 20), 500)
    assert (empty.rows, empty.is_attached) == (0, True)
    assert full.nbytes > empty.nbytes > 0


def test_rows_that_nobody_estimated_are_not_told_as_none(connection: Connection) -> None:
    with connection.transaction():  # the statistics hear of it behind its end
        connection.execute(FILL)
        (table,) = day_tables.find(connection)
    assert table.rows is None


def test_only_days_before_and_what_a_drop_left(connection: Connection) -> None:
    partitions.ensure(connection, [DAY + 1, DAY + 2])
    connection.execute("ALTER TABLE event DETACH PARTITION event_20261120")
    connection.execute("CREATE TABLE event_notes ()")
    found = day_tables.find(connection, DAY + 2)
    assert [(table.name, table.is_attached) for table in found] == [
        ("event_20261120", False),
        ("event_20261121", True),
    ]
