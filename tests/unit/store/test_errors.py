"""Each error of PostgreSQL leads to one of three answers."""

from __future__ import annotations

import psycopg
import pytest
from ingest.errors import NeedsPerson, Retryable
from ingest.local.postgres import EmbeddedPostgres
from ingest.store import session
from ingest.store.errors import classify, is_data_fault, translated
from psycopg import errors
from psycopg.conninfo import make_conninfo

from tests.running import free_port

PASSING = ["08006", "40001", "40P01", "53200", "53300", "55P03", "57014", "57P01", "25006"]
LASTING = ["28P01", "42P01", "42501", "53100", "58030", "3D000", "XX001", "0A000"]
DATA = ["22001", "22P05", "23502", "23514", "23505", "P0001", "54000", "ABC12"]


def error_of(state: str) -> psycopg.Error:
    """Make the error that psycopg makes of a SQLSTATE."""
    try:
        made = errors.lookup(state)("told")
    except KeyError:
        made = psycopg.DatabaseError("told")
    made.sqlstate = state
    return made


@pytest.mark.parametrize("state", PASSING)
def test_what_passes_is_retried(state: str) -> None:
    assert isinstance(classify(error_of(state)), Retryable)
    assert not is_data_fault(error_of(state))


@pytest.mark.parametrize("state", LASTING)
def test_what_lasts_needs_a_person(state: str) -> None:
    assert isinstance(classify(error_of(state)), NeedsPerson)
    assert not is_data_fault(error_of(state))


@pytest.mark.parametrize("state", DATA)
def test_what_a_row_caused_is_a_data_fault(state: str) -> None:
    assert is_data_fault(error_of(state))


def test_a_server_that_is_not_there_passes() -> None:
    with pytest.raises(Retryable, match="refused"):
        session.connect(f"host=127.0.0.1 port={free_port()} user=x dbname=x", "test")


def test_a_wrong_password_needs_a_person(postgres: EmbeddedPostgres) -> None:
    with pytest.raises(NeedsPerson, match="authentication failed"):
        session.connect(make_conninfo(postgres.dsn, password="wrong"), "test")


def test_a_missing_database_needs_a_person(postgres: EmbeddedPostgres) -> None:
    with pytest.raises(NeedsPerson, match="does not exist"):
        session.connect(make_conninfo(postgres.dsn, dbname="nowhere"), "test")


def test_a_missing_table_needs_a_person(dsn: str) -> None:
    with (
        session.connect(dsn, "test") as connection,
        pytest.raises(NeedsPerson, match="42P01"),
        translated(),
    ):
        connection.execute("SELECT FROM nowhere")


def test_an_ended_backend_passes(dsn: str) -> None:
    with session.connect(dsn, "test") as connection, session.connect(dsn, "test") as other:
        other.execute("SELECT pg_terminate_backend(%s, 2000)", (connection.info.backend_pid,))
        with pytest.raises(Retryable), translated():
            connection.execute("SELECT 1")
        assert connection.closed


def test_a_connection_that_was_cut_passes(dsn: str) -> None:
    with session.connect(dsn, "test") as connection:
        session.cut(connection)
        with pytest.raises(Retryable), translated():
            connection.execute("SELECT 1")


def test_a_commit_is_always_on_disk(dsn: str) -> None:
    lax = make_conninfo(dsn, options="-csynchronous_commit=off")
    with session.connect(lax, "test") as connection:
        assert connection.execute("SHOW synchronous_commit").fetchone() == ("on",)
    strict = make_conninfo(dsn, options="-csynchronous_commit=remote_apply")
    with session.connect(strict, "test") as connection:
        assert connection.execute("SHOW synchronous_commit").fetchone() == ("remote_apply",)
