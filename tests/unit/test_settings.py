"""The settings: where they come from, what is refused, what a child process gets."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from ingest.errors import SettingsError
from ingest.settings import PREFIX, Settings, server_environment, table, unknown_variables
from pydantic import ValidationError


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(PREFIX):
            monkeypatch.delenv(name)


def test_flags_win_over_variables_and_those_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "ingest.toml"
    file.write_text("port = 1001\nworkers = 3\nshards = 7\n")
    monkeypatch.setenv("INGEST_CONFIG", str(file))
    monkeypatch.setenv("INGEST_PORT", "1002")
    monkeypatch.setenv("INGEST_WORKERS", "5")
    loaded = Settings.load(port=1003, workers=None)
    assert (loaded.port, loaded.workers, loaded.shards) == (1003, 5, 7)


def test_all_faults_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INGEST_WORKERS", "0")
    with pytest.raises(SettingsError) as caught:
        Settings.load(port=70000, log_level="loud")
    assert {line.partition(":")[0] for line in str(caught.value).splitlines()} == {
        "port",
        "workers",
        "log_level",
    }


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"port": 9000, "admin_port": 9000}, "both 9000"),
        ({"tls_key": "/key"}, "go together"),
        ({"max_event_bytes": 4096, "max_body_bytes": 2048}, "larger than"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(given: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        Settings.load(**given)


@pytest.mark.parametrize(
    ("text", "told"),
    [("prot = 1\n", "prot"), ("port = \n", "ingest.toml"), ("workers = 0\n", "workers")],
)
def test_a_wrong_file_is_refused(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "ingest.toml"
    file.write_text(text)
    with pytest.raises(SettingsError, match=told):
        Settings.load(file)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="No such file"):
        Settings.load(tmp_path / "absent.toml")


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="not a file"):
        Settings.load(tmp_path)


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "ingest.toml"
    file.write_bytes(b'data_dir = "caf\xe9"\n')
    with pytest.raises(SettingsError, match="utf-8"):
        Settings.load(file)


@pytest.mark.parametrize("name", ["edge_secret", "admin_token"])
@pytest.mark.parametrize("secret", ["", "a b", 'a"; evil', "$host", "caf\xe9", "a\n"])
def test_a_secret_that_no_header_holds_is_refused(name: str, secret: str) -> None:
    with pytest.raises(SettingsError, match=f"{name}: must be") as caught:
        Settings.load(None, **{name: secret})
    assert not secret or secret not in str(caught.value)


@pytest.mark.parametrize("name", ["edge_secret", "admin_token"])
def test_a_secret_that_can_be_guessed_is_refused(name: str) -> None:
    for short in ("abc", "x" * 15):
        with pytest.raises(SettingsError, match=f"{name}: must have 16 .*openssl rand") as caught:
            Settings.load(None, **{name: short})
        assert short not in str(caught.value)
    assert getattr(Settings.load(None, **{name: "x" * 16}), name)


WRONG_DATABASE_URLS = (
    *("", "hunter2", "mysql://u:hunter2@h/d", "host=h password=a hunter2"),
    *("postgresql://u:hunter2 x@h/d", "postgresql://u:hunter2%zz@h/d"),
)
WRONG_VALKEY_URLS = (
    *("", "hunter2", "http://:hunter2@h", "redis://", "redis://:hunter2@h:port"),
    *("redis://:hunter2/x@h", "redis://:hunter2@h:99999", "redis://:hunter2%@h"),
)


@pytest.mark.parametrize(
    ("name", "url"),
    [
        *(("database_url", url) for url in WRONG_DATABASE_URLS),
        *(("worker_database_url", url) for url in WRONG_DATABASE_URLS),
        *(("valkey_url", url) for url in WRONG_VALKEY_URLS),
    ],
)
def test_a_url_that_is_none_is_refused_and_not_shown(name: str, url: str) -> None:
    with pytest.raises(SettingsError, match=f"{name}: must be") as caught:
        Settings.load(None, **{name: url})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("database_url", "postgresql://u:p%40x@/d?host=%2Ftmp%2Fa%20b"),
        ("database_url", r"host=/tmp dbname=d password='it\'s a = b'"),
        ("database_url", "postgres://u@h1:1,h2:2/d?target_session_attrs=primary"),
        ("valkey_url", "unix://u:p@/tmp/run/valkey.sock"),
        ("valkey_url", "rediss://:p@[::1]:6380/1"),
    ],
)
def test_urls_of_all_forms_are_taken(name: str, url: str) -> None:
    assert getattr(Settings.load(None, **{name: url}), name) == url


def test_no_file_is_named_by_an_empty_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INGEST_CONFIG", "")
    assert Settings.load().port == 8080


def test_a_misspelt_setting_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("INGEST_WORKER", "3")
    monkeypatch.setenv("INGEST_WORKERS", "3")
    monkeypatch.setenv("INGEST_CONFIG", "")
    assert unknown_variables() == ["INGEST_WORKER"]
    file = tmp_path / "settings.toml"
    file.write_text("workrs = 4\n")
    with pytest.raises(SettingsError, match="workrs: there is no such setting"):
        Settings.load(file)


def test_a_fault_never_shows_the_value() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.load(edge_secret=["hunter2"])
    assert "hunter2" not in str(caught.value)


def test_a_text_of_the_settings_shows_no_secret() -> None:
    secret = "hunter2-and-its-tail"
    loaded = Settings.load(
        database_url="postgresql://u:hunter2@h/d", edge_secret=secret, admin_token=secret
    )
    assert "hunter2" not in f"{loaded!r} {loaded}"


def test_they_are_frozen() -> None:
    with pytest.raises(ValidationError):
        Settings.load().port = 1


def test_paths_are_absolute() -> None:
    assert Settings.load(data_dir="data").data_dir == Path.cwd() / "data"


@pytest.mark.parametrize("name", ["a\nb", "a\0b", "a\udcff"])
def test_a_path_that_no_configuration_holds_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match="data_dir: holds a character"):
        Settings.load(data_dir=name)


def test_a_child_loads_the_same_settings_with_its_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INGEST_SHARDS", "9")
    parent = Settings.load(port=1001, admin_token="t" * 16, schema_file=Path("events.toml"))
    for name, value in parent.environment(valkey_url="redis://x", admin_token=None).items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("INGEST_ADMIN_TOKEN", raising=False)
    child = Settings.load()
    changed = parent.model_copy(update={"valkey_url": "redis://x", "admin_token": None})
    assert child == changed


def test_a_child_does_not_read_the_file_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "ingest.toml"
    file.write_text("port = 1001\n")
    monkeypatch.setenv("INGEST_CONFIG", str(file))
    assert "INGEST_CONFIG" not in Settings.load().environment()


def test_a_server_gets_nothing_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INGEST_ADMIN_TOKEN", "hunter2")
    monkeypatch.setenv("PGPORT", "1")
    assert not server_environment().keys() & {"INGEST_ADMIN_TOKEN", "PGPORT"}


def test_the_table_names_every_setting_with_a_reason() -> None:
    rows = table()
    assert [row.name for row in rows] == list(Settings.model_fields)
    assert all(row.reason for row in rows)
    assert ("port", "8080", "1..65535") in {(row.name, row.default, row.range) for row in rows}
