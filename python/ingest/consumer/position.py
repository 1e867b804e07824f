"""How far each shard is stored: moved by compare-and-swap in the rows' own transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ingest.errors import LeaseLost, NeedsPerson
from ingest.plural import counted

if TYPE_CHECKING:
    from ingest.store.session import Connection

# Before the first entry of a stream.
START = "0-0"


class Position(NamedTuple):
    """The last entry stored, and the Valkey server of which all entries up to it were read."""

    entry_id: str
    run_id: str | None


class Step(NamedTuple):
    """A move of a shard's position; `before` and `after` are equal when entries are read again."""

    shard: int
    before: str
    after: str
    run_id: str | None


def prepare(connection: Connection, shards: int) -> None:
    """Keep the number of shards at the first start and make their rows.

    Raises NeedsPerson when the database holds another number. Raises psycopg's errors.
    """
    connection.execute(
        "INSERT INTO setting (name, value) VALUES ('shards', %s) ON CONFLICT DO NOTHING",
        (str(shards),),
    )
    kept = connection.execute("SELECT value FROM setting WHERE name = 'shards'").fetchone()
    if kept != (str(shards),):
        held = counted(int(kept[0]) if kept else 0, "shard")
        raise NeedsPerson(
            f"PostgreSQL holds {held} and the setting says {shards}: "
            "the number is fixed at the first start"
        )
    # ON CONFLICT alone would wait for a transaction, perhaps a frozen one, that moves a position.
    connection.execute(
        "INSERT INTO position (shard) SELECT shard FROM generate_series(0, %s - 1) AS shard"
        " WHERE shard NOT IN (SELECT shard FROM position) ON CONFLICT DO NOTHING",
        (shards,),
    )


def advance(connection: Connection, step: Step, owner: str, *, begins: bool = False) -> bool:
    """Move the position as the first act of a transaction; False if this very step was done before.

    That is so when the answer to its commit was lost. Raises LeaseLost when another consumer owns
    the shard or the position stands elsewhere; the transaction must be rolled back then. With
    `begins` it begins the transaction, in the same round trip.
    """
    with connection.pipeline():
        if begins:
            connection.execute("BEGIN")
        moved = connection.execute(
            "UPDATE position SET entry_id = %s, run_id = %s, updated_at = now()"
            " WHERE shard = %s AND entry_id = %s AND owner = %s",
            (step.after, step.run_id, step.shard, step.before, owner),
        )
    if moved.rowcount == 1:
        return True
    found = connection.execute(
        "SELECT entry_id, owner FROM position WHERE shard = %s", (step.shard,)
    ).fetchone()
    if found == (step.after, owner):
        return False
    raise LeaseLost(f"shard {step.shard} stands at {found}, not at {step.before} of {owner}")
