"""The real servers that tests run against: each session its own, on sockets or free ports."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest
from ingest.local.data_dir import DataDir
from ingest.local.postgres import EmbeddedPostgres
from ingest.local.valkey import EmbeddedValkey
from ingest.settings import PREFIX

from tests import databases
from tests.running import Running, directory
from tests.skips import StrictSkips

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

START_TIMEOUT_S = 60.0
STRICT = "--strict-skips"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take the option of a full run."""
    parser.addoption(STRICT, action="store_true", help="fail when a skip's reason is not expected")


def pytest_configure(config: pytest.Config) -> None:
    """Switch the plugin on, and off what the tests' own processes must not inherit.

    That are settings in the environment, and an ignored Ctrl-C: so a shell without job control
    starts what it puts into the background.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        del os.environ[name]
    if config.getoption(STRICT):
        config.pluginmanager.register(StrictSkips())


@pytest.fixture(scope="session")
def server_home() -> Iterator[DataDir]:
    """One data directory for the servers of this session."""
    with directory() as path:
        home = DataDir(path / "data")
        yield home
        home.release()


@pytest.fixture(scope="session")
def postgres(server_home: DataDir) -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL with an empty database; `.dsn` is its owner's URL."""
    server = EmbeddedPostgres(server_home)
    server.prepare()
    server.start()
    try:
        server.wait_ready(START_TIMEOUT_S)
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def valkey(server_home: DataDir) -> Iterator[EmbeddedValkey]:
    """An empty Valkey; `.url` is the operator's URL."""
    server = EmbeddedValkey(server_home)
    server.prepare()
    server.start()
    try:
        server.wait_ready(START_TIMEOUT_S)
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def stack() -> Iterator[Running]:
    """The whole system under its supervisor: `.run` is run.json, `.data` its directory."""
    with directory() as path, Running(path / "data") as running:
        yield running


@pytest.fixture
def base() -> Iterator[Path]:
    """Give a directory of this test alone, for systems that it starts itself."""
    with directory() as path:
        yield path


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the logs of the systems that a failed test used."""
    report = yield
    if report.failed and isinstance(item, pytest.Function):
        for name, value in item.funcargs.items():
            if isinstance(value, Running):
                report.sections.append((f"logs of {name}", value.logs()))
    return report


@pytest.fixture
def dsn(postgres: EmbeddedPostgres) -> Iterator[str]:
    """A database of this test alone, with the tables of ingest."""
    with databases.migrated(postgres) as dsn:
        yield dsn
