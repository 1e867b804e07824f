"""Every setting, in one frozen object; the only module that reads the environment.

Flags win over INGEST_* variables, which win over the file named by --config or INGEST_CONFIG.
The whole is checked before anything starts, and all faults are told at once.
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, Self
from urllib.parse import urlsplit

from annotated_types import Ge, Le
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from ingest import plans
from ingest.errors import SettingsError
from ingest.plans import Plan

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

PREFIX = "INGEST_"
CONFIG_VARIABLE = "INGEST_CONFIG"
# Without these an interpreter or library in an unusual place can't be found.
START_VARIABLES = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
# What a header and the edge's configuration hold as it is.
SECRET = re.compile(r"[A-Za-z0-9._~+/=-]+")
# Shorter ones are words and dates; what this is made by has 64.
SECRET_CHARACTERS = 16
MAKE_ONE = "`openssl rand -hex 32` makes one"
# Checked here because what a library says of a wrong URL quotes it, password and all.
PAIR = r"\w+=('([^'\\]|\\.)*'|[^\s'\\]+)"
DATABASE_URL = re.compile(rf"postgres(ql)?://([^\s%]|%[0-9A-Fa-f]{{2}})+|{PAIR}(\s+{PAIR})*")
VALKEY_URL = re.compile(r"(rediss?|unix)://([^\s%]|%[0-9A-Fa-f]{2})+")
Plans = dict[Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,32}$")], Plan]
KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
# The file that the running `Settings.load` was given; the library asks for it in a class method.
_config: ContextVar[Path | None] = ContextVar("config", default=None)


def _setting(default: Any, unit: str, reason: str, **bounds: Any) -> Any:
    return Field(default, description=reason, json_schema_extra={"unit": unit}, **bounds)


class Settings(BaseSettings):
    """What every process is told; the supervisor hands the same values on by environment."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="forbid", hide_input_in_errors=True
    )

    data_dir: Path = _setting(Path("data"), "path", "all that `up` keeps lies under one directory")
    host: str = _setting("127.0.0.1", "IP address", "the edge listens here; loopback until chosen")
    port: int = _setting(8080, "port", "where clients post events", ge=1, le=65535)
    admin_port: int = _setting(8081, "port", "the admin process, on loopback", ge=1, le=65535)
    workers: int = _setting(
        2, "processes", "API workers; one a core, Robyn serves with one process each", ge=1, le=64
    )
    consumers: int = _setting(
        2, "processes", "they share the shards; one commits while another copies", ge=1, le=64
    )
    shards: int = _setting(
        4, "streams", "fixed at the first start: kept in both servers and compared", ge=1, le=1024
    )

    database_url: str | None = _setting(
        None, "URL", "a PostgreSQL already running; without it `up` starts its own", repr=False
    )
    worker_database_url: str | None = _setting(
        None, "URL", "a role that may only read keys; database_url when absent", repr=False
    )
    valkey_url: str | None = _setting(
        None, "URL", "a Valkey already running; without it `up` starts its own", repr=False
    )
    schema_file: Path | None = _setting(
        None, "path", "the declared events (TOML); without it the built-in rules"
    )
    edge_secret: SecretStr | None = _setting(
        None,
        "secret",
        "a worker answers only requests that carry it; 16 characters or more; `up` makes its own",
    )
    worker_urls: str = _setting(
        "", "URLs", "where admin asks the workers, separated by spaces; `up` knows its own"
    )
    consumer_urls: str = _setting(
        "", "URLs", "where admin asks the consumers, separated by spaces; `up` knows its own"
    )
    admin_token: SecretStr | None = _setting(
        None,
        "secret",
        "the admin process asks for it always; 16 characters or more; `up` makes its own",
    )
    admin_hosts: str = _setting(
        "", "Host headers", "further names of admin (`name:port`, by spaces), beside loopback's"
    )

    plans: Plans = _setting(
        {}, "table", "your own beside free, pro, enterprise and unlimited; see below"
    )
    strangers_per_minute: int = _setting(
        120,
        "requests",
        "without a valid key, of one address to one worker; 0 is off",
        ge=0,
        le=1_000_000,
    )
    projects_per_minute: int = _setting(
        60, "requests", "that make projects, of one address; 0 is off", ge=0, le=1_000_000
    )

    max_body_bytes: int = _setting(
        MIB, "bytes", "a request's body; held in memory by edge and worker", ge=KIB, le=8 * MIB
    )
    max_batch_events: int = _setting(
        1000, "events", "bounds the time of one call into the extension", ge=1, le=100_000
    )
    max_event_bytes: int = _setting(
        65536, "bytes", "one event's JSON; keeps single rows out of slow storage", ge=256, le=MIB
    )
    max_connections: int = _setting(
        8192, "connections", "clients of the edge in total; idle ones count", ge=64, le=65_535
    )
    max_address_connections: int = _setting(
        4096, "requests", "in progress from one address; more get 503", ge=1, le=65_535
    )
    head_timeout_s: int = _setting(
        10, "s", "for a request's head; ends connections that trickle", ge=1, le=300
    )
    body_timeout_s: int = _setting(
        15, "s", "between two pieces of a body; ends uploads that trickle", ge=1, le=300
    )
    tls_certificate: Path | None = _setting(
        None, "path", "PEM chain; with tls_key the edge speaks TLS"
    )
    tls_key: Path | None = _setting(None, "path", "PEM private key of tls_certificate")

    entry_bytes: int = _setting(
        256 * KIB, "bytes", "a stream entry; larger gains nothing in Valkey", ge=4 * KIB, le=4 * MIB
    )
    entry_codec: Literal["lz4", "none"] = _setting(
        "lz4", "", "packs an entry's tuples, so that Valkey holds more of them"
    )
    max_queued_bytes: int = _setting(
        64 * MIB, "bytes", "waiting in one worker; above it 503 overloaded", ge=MIB, le=4 * GIB
    )
    max_worker_batches: int = _setting(
        48,
        "requests",
        "of 10 to 100 kB with one worker, some 0.1 s of its work; above it 503 overloaded",
        ge=1,
        le=335,
    )
    resend_s: float = _setting(
        5.0, "s", "how long an append of unknown outcome is sent again", ge=0, le=60
    )

    stream_high_ratio: float = _setting(
        0.85, "of maxmemory", "Valkey this full: 503 stream_full, before it says OOM", ge=0.01, le=1
    )
    stream_resume_ratio: float = _setting(
        0.75, "of maxmemory", "drained to this, events are taken again", ge=0.01, le=1
    )
    max_oldest_s: int = _setting(
        0, "s", "an unread entry older than this: 503 overloaded; 0 is off", ge=0, le=30 * 86_400
    )
    min_free_disk_bytes: int = _setting(
        256 * MIB, "bytes", "less free under data_dir: 503 stream_full; 0 is off", ge=0
    )

    linger_ms: int = _setting(
        10, "ms", "a consumer waits for linger_rows; under load longer, up to 150", ge=0, le=1000
    )
    linger_rows: int = _setting(
        10_000, "rows", "committed without waiting for more", ge=1, le=1_000_000
    )
    chunk_bytes: int = _setting(
        8 * MIB,
        "bytes",
        "one transaction's tuples; above it COPY gains nothing",
        ge=MIB,
        le=64 * MIB,
    )
    chunk_rows: int = _setting(
        20_000, "rows", "one transaction; bounds what a retry repeats", ge=100, le=1_000_000
    )
    repeaters_s: int = _setting(
        60, "s", "after a duplicate, its project's rows are looked up so long", ge=0, le=3600
    )
    lease_s: int = _setting(
        5, "s", "a consumer that is silent so long loses its shards", ge=1, le=300
    )
    stream_keep_s: int = _setting(
        0, "s", "entries kept behind the position, for a restored database", ge=0, le=7 * 86_400
    )
    retention_days: int = _setting(
        0, "days", "partitions older than this are dropped; 0 keeps all", ge=0, le=36_500
    )
    partitions_ahead_days: int = _setting(
        2, "days", "made ahead; events may lie one day ahead of now", ge=1, le=30
    )
    partitions_back_days: int = _setting(
        30, "days", "events may lie this far behind now", ge=0, le=365
    )

    run_user: str = _setting(
        "nobody", "account", "runs the embedded servers when `up` is root: PostgreSQL refuses root"
    )
    valkey_max_bytes: int = _setting(
        GIB, "bytes", "embedded Valkey's maxmemory: what may wait for PostgreSQL", ge=32 * MIB
    )
    log_level: Literal["debug", "info", "warning", "error"] = _setting(
        "info", "", "lines below this level are not written"
    )
    log_format: Literal["auto", "json", "text"] = _setting(
        "auto", "", "auto: text on a terminal, JSON elsewhere"
    )
    log_max_bytes: int = _setting(
        10 * MIB, "bytes", "one log file of one process, then it is rotated", ge=64 * KIB, le=GIB
    )
    log_backups: int = _setting(3, "files", "rotated files kept of each process", ge=1, le=100)
    start_timeout_s: int = _setting(
        60, "s", "for one process to be ready, recovery included", ge=1, le=3600
    )
    drain_timeout_s: int = _setting(
        10, "s", "for what is in flight at a stop, then it is ended", ge=1, le=300
    )

    @classmethod
    def load(cls, config: Path | None = None, **overrides: Any) -> Self:
        """Load flags (None: not given), environment and file; SettingsError lists all faults."""
        given = {name: value for name, value in overrides.items() if value is not None}
        token = _config.set(config)
        try:
            return cls(**given)
        except ValidationError as error:
            raise SettingsError("\n".join(map(_fault, error.errors()))) from None
        finally:
            _config.reset(token)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take flags, then environment, then the file; no .env and no secrets directory."""
        del dotenv_settings, file_secret_settings
        return init_settings, env_settings, _file(settings_cls)

    @field_validator("data_dir", "schema_file", "tls_certificate", "tls_key", mode="after")
    @classmethod
    def _absolute(cls, path: Path | None) -> Path | None:
        if path is not None and not str(path).isprintable():
            raise ValueError("holds a character that no configuration can")
        return path and path.expanduser().absolute()

    @field_validator("database_url", "worker_database_url", mode="after")
    @classmethod
    def _database(cls, url: str | None) -> str | None:
        if url is not None and not DATABASE_URL.fullmatch(url):
            raise ValueError("must be postgresql://..., special characters as %xx")
        return url

    @field_validator("valkey_url", mode="after")
    @classmethod
    def _valkey(cls, url: str | None) -> str | None:
        if url is not None and not (VALKEY_URL.fullmatch(url) and _has_readable_port(url)):
            raise ValueError("must be redis://, rediss:// or unix://, special characters as %xx")
        return url

    @field_validator("edge_secret", "admin_token", mode="after")
    @classmethod
    def _sendable(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None and not SECRET.fullmatch(secret.get_secret_value()):
            raise ValueError(f"must be of A-Z a-z 0-9 . _ ~ + / = - alone: {MAKE_ONE}")
        if secret is not None and len(secret) < SECRET_CHARACTERS:
            raise ValueError(f"must have {SECRET_CHARACTERS} characters or more: {MAKE_ONE}")
        return secret

    @model_validator(mode="after")
    def _together(self) -> Self:
        if self.port == self.admin_port:
            raise ValueError(f"port and admin_port are both {self.port}")
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key go together")
        if self.max_event_bytes > self.max_body_bytes:
            raise ValueError("max_event_bytes is larger than max_body_bytes")
        if self.stream_resume_ratio > self.stream_high_ratio:
            raise ValueError("stream_resume_ratio is larger than stream_high_ratio")
        return self

    @property
    def known_plans(self) -> dict[str, Plan]:
        """All plans by name: the built-in ones and those of the setting."""
        return plans.BUILT_IN | self.plans

    def environment(self, **changes: str | None) -> dict[str, str]:
        """Build a child's whole environment: it loads as these settings, with `changes` made.

        Secrets are in it; the file is not read again, so an edit can't split the processes.
        """
        values = {name: getattr(self, name) for name in type(self).model_fields} | changes
        inherited = {name: text for name, text in os.environ.items() if not name.startswith(PREFIX)}
        return inherited | {
            PREFIX + name.upper(): _plain(value)
            for name, value in values.items()
            if value is not None
        }


def server_environment() -> dict[str, str]:
    """Build the environment of a server: what lets programs start, C locale, UTC; no secret."""
    kept = {name: os.environ[name] for name in START_VARIABLES if name in os.environ}
    return kept | {"LC_ALL": "C", "TZ": "UTC"}


class Row(NamedTuple):
    """One line of the table of settings that the docs show."""

    name: str
    unit: str
    default: str
    range: str
    reason: str


def table() -> list[Row]:
    """List every setting in the order of the class."""
    return [_row(name, field) for name, field in Settings.model_fields.items()]


def _row(name: str, field: FieldInfo) -> Row:
    extra = field.json_schema_extra
    unit = str(extra["unit"]) if isinstance(extra, dict) else ""
    default = "" if field.default in (None, {}) else str(field.default)
    return Row(name, unit, default, _range(field), field.description or "")


def _range(field: FieldInfo) -> str:
    low = [str(bound.ge) for bound in field.metadata if isinstance(bound, Ge)]
    high = [str(bound.le) for bound in field.metadata if isinstance(bound, Le)]
    if not low and not high:
        choices = getattr(field.annotation, "__args__", ())
        return " | ".join(choices) if all(isinstance(item, str) for item in choices) else ""
    return f"{''.join(low)}..{''.join(high)}"


def unknown_variables() -> list[str]:
    """Name variables that look like settings and are none: a misspelt one has no effect."""
    known = {f"{PREFIX}{name}".upper() for name in Settings.model_fields} | {CONFIG_VARIABLE}
    given = (name for name in os.environ if name.startswith(PREFIX))
    return sorted(name for name in given if name.upper() not in known)


def _has_readable_port(url: str) -> bool:
    try:
        return urlsplit(url).port != 0
    except ValueError:
        return False


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return json.dumps({name: plan.model_dump() for name, plan in value.items()})
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


def _file(settings_cls: type[BaseSettings]) -> PydanticBaseSettingsSource:
    name = _config.get() or os.environ.get(CONFIG_VARIABLE)
    if not name:
        return TomlConfigSettingsSource(settings_cls, toml_file=None)
    path = Path(name).expanduser()
    try:
        file = path.resolve(strict=True)
        if not file.is_file():  # the library would go on without it
            raise SettingsError(f"settings file {path}: not a file")
        return TomlConfigSettingsSource(settings_cls, toml_file=file)
    except OSError as error:
        raise SettingsError(f"settings file {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"settings file {path}: {error}") from None


def _fault(error: Any) -> str:
    name = ".".join(map(str, error["loc"]))
    text = error["msg"].removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        text = "there is no such setting: docs/settings.md lists all"
    return f"{name}: {text}" if name else text
