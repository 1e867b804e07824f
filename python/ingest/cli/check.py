"""`ingest check`: says what is wrong or could be better with settings, servers and schema."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import typer

from ingest.cli import options, servers
from ingest.errors import IngestError
from ingest.visible import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ingest.settings import Settings


def check(
    as_json: options.Json = False,
    data: options.Data = None,
    config: options.Config = None,
    database_url: options.DatabaseUrl = None,
    valkey_url: options.ValkeyUrl = None,
) -> None:
    """Say what is wrong; exits 1 if anything is."""
    settings = options.load(config, data_dir=data, database_url=database_url, valkey_url=valkey_url)
    results = {name: _found(ask, settings) for name, ask in CHECKS.items()}
    if as_json:
        told = {name: [asdict(one) for one in found] for name, found in results.items()}
        typer.echo(json.dumps(told))
    else:
        for name, found in results.items():
            typer.echo("\n".join(map(str, found)) or f"ok     {name}")
    if any(one.is_fault for found in results.values() for one in found):
        raise typer.Exit(1)


@dataclass(frozen=True)
class Finding:
    """One line; a fault makes the exit code 1, advice does not."""

    text: str
    is_fault: bool = True

    def __str__(self) -> str:
        """Write it as it is shown."""
        return visible(f"{'wrong ' if self.is_fault else 'advice'} {self.text}")


def _found(ask: Callable[[Settings], Iterable[Finding]], settings: Settings) -> list[Finding]:
    try:
        return list(ask(settings))
    except IngestError as error:
        return [Finding(str(error))]


def _environment(_settings: Settings) -> Iterator[Finding]:
    from ingest import settings

    yield from _advised(
        f"{name} is no setting and has no effect: docs/settings.md lists all"
        for name in settings.unknown_variables()
    )


def _extension(_settings: Settings) -> Iterator[Finding]:
    from ingest import _native

    if _native.BUILD_PROFILE != "release":
        profile = _native.BUILD_PROFILE
        yield Finding(f"the extension is a {profile} build: `make build` makes a fast one")


def _schema(settings: Settings) -> Iterator[Finding]:
    from ingest import _native

    if settings.schema_file is None:
        return
    try:
        _native.Schema(settings.schema_file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        yield Finding(f"schema_file: {settings.schema_file}: {error}")


def _certificate(settings: Settings) -> Iterator[Finding]:
    from ingest.local import certificate

    yield from map(Finding, certificate.faults(settings))


def _postgres(settings: Settings) -> Iterator[Finding]:
    from ingest.store import setup

    dsn = servers.database_url(settings)
    yield from map(Finding, setup.faults(dsn))
    plans = settings.known_plans.keys()
    yield from _advised(setup.advice(dsn, settings.partitions_ahead_days, plans))
    yield from _skewed("PostgreSQL", lambda: setup.clock(dsn))


def _workers_role(settings: Settings) -> Iterator[Finding]:
    from ingest.store import setup

    if settings.worker_database_url is not None:
        yield from map(Finding, setup.worker_faults(settings.worker_database_url))
    elif settings.database_url is not None:
        yield from _advised(["worker_database_url is not set: workers may do what consumers may"])


def _valkey(settings: Settings) -> Iterator[Finding]:
    from ingest.stream import setup
    from ingest.stream.survey import survey

    url = servers.valkey_url(settings)
    yield from map(Finding, setup.faults(url))
    yield from map(Finding, survey(url, settings.shards).faults(settings.shards))
    yield from _advised(setup.advice(url))
    yield from _skewed("Valkey", lambda: setup.clock(url))


def _advised(texts: Iterable[str]) -> Iterator[Finding]:
    return (Finding(text, is_fault=False) for text in texts)


def _skewed(server: str, ask: Callable[[], float]) -> Iterator[Finding]:
    from ingest import skew

    ahead = skew.ahead_s(ask)
    if abs(ahead) >= skew.NOTICEABLE_S:
        yield Finding(skew.described(server, ahead), is_fault=abs(ahead) >= skew.WRONG_S)


CHECKS: dict[str, Callable[[Settings], Iterator[Finding]]] = {
    "environment": _environment,
    "extension": _extension,
    "schema": _schema,
    "certificate": _certificate,
    "PostgreSQL": _postgres,
    "workers' role": _workers_role,
    "Valkey": _valkey,
}
