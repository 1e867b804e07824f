"""Makes dead letters as users do: by a constraint of their own on the table of events."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING
from uuid import uuid4

import psycopg
from psycopg import sql

from tests.running import event, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.running import Running

DEAD_S = 30.0
NAME = sql.Identifier("no_poison")


@contextmanager
def refusing(stack: Running, user_id: str) -> Iterator[None]:
    """Let PostgreSQL refuse the events of a user."""
    add = sql.SQL(
        "ALTER TABLE event ADD CONSTRAINT {} CHECK (user_id IS DISTINCT FROM {}) NOT VALID"
    )
    with psycopg.connect(stack.run.dsn, autocommit=True) as connection:
        connection.execute(add.format(NAME, sql.Literal(user_id)))
        try:
            yield
        finally:
            connection.execute(sql.SQL("ALTER TABLE event DROP CONSTRAINT {}").format(NAME))


def kill_events(stack: Running, count: int, user_id: str = "poison", **fields: object) -> list[str]:
    """Have so many events refused by PostgreSQL; gives their ids when they are dead letters."""
    ids = [str(uuid4()) for _ in range(count)]
    with refusing(stack, user_id):
        events = [event(event_id=one, user_id=user_id, **fields) for one in ids]
        assert stack.post(*events).status_code == 202
        until(lambda: len(letters_of(stack, ids)) == count, DEAD_S, "dead letters")
    return ids


def letters_of(stack: Running, event_ids: list[str]) -> list[int]:
    """Give the numbers of the dead letters of some events."""
    with psycopg.connect(stack.run.dsn) as connection:
        rows = connection.execute(
            "SELECT id FROM dead_letter WHERE event_id = ANY(%s::uuid[]) ORDER BY id", (event_ids,)
        )
        return [number for (number,) in rows]
