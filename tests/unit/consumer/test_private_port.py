"""A consumer's private port: for whoever has the secret, bounded, on loopback."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import httpx
import pytest
from ingest import readout
from ingest.consumer.private_port import MAX_REQUESTS, Address, PrivatePort
from ingest.errors import NeedsPerson, SettingsError
from ingest.settings import Settings

from tests.running import free_port, until

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = {"X-Ingest-Edge": "s3cret"}


@pytest.fixture
def faults() -> list[str]:
    return [""]


@pytest.fixture
def url(faults: list[str]) -> Iterator[str]:
    port = free_port()
    with PrivatePort(Address("127.0.0.1", port, "s3cret"), lambda: faults[0]):
        yield f"http://127.0.0.1:{port}"


@pytest.mark.parametrize("path", ["/-/metrics", "/-/ready", "/"])
@pytest.mark.parametrize("given", [{}, {"X-Ingest-Edge": "guess"}, {"X-Ingest-Edge": "ü"}])
def test_nobody_without_the_secret(url: str, path: str, given: dict[str, str]) -> None:
    headers = [(name.encode(), text.encode("latin-1")) for name, text in given.items()]
    answer = httpx.get(url + path, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


def test_it_tells_numbers_and_faults(url: str, faults: list[str]) -> None:
    assert httpx.get(f"{url}/-/ready", headers=SECRET).status_code == 200
    faults[0] = "writing fails: PostgreSQL is away"
    answer = httpx.get(f"{url}/-/ready", headers=SECRET)
    assert (answer.status_code, answer.json()["message"]) == (503, faults[0])
    told = readout.decode(httpx.get(f"{url}/-/metrics", headers=SECRET).content)
    assert told.fault == faults[0]
    assert httpx.get(f"{url}/other", headers=SECRET).status_code == 404
    assert httpx.post(f"{url}/-/ready", headers=SECRET).status_code == 501


def test_connections_that_say_nothing_don_t_keep_others_out_for_long(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.consumer.private_port._Handler.timeout", 3)
    port = httpx.URL(url).port or 0
    idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(MAX_REQUESTS)]
    until(lambda: is_closed_at_once(port), 5, "above the bound a connection is closed")
    until(lambda: is_answered(url), 10, "the idle ones ran out of time")
    for connection in idle:
        connection.close()


def is_closed_at_once(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 0.2) as connection:
            return connection.recv(1) == b""
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False


def is_answered(url: str) -> bool:
    try:
        return httpx.get(f"{url}/-/ready", headers=SECRET).status_code == 200
    except httpx.TransportError:
        return False


def test_a_port_in_use_is_a_clear_error(url: str) -> None:
    with pytest.raises(NeedsPerson, match="can't be listened on"):
        PrivatePort(Address("127.0.0.1", httpx.URL(url).port or 0, "x"), lambda: "")


def test_without_a_secret_it_does_not_listen() -> None:
    with pytest.raises(SettingsError, match="edge_secret"):
        Address.of(Settings(), "127.0.0.1", 1)
