"""The data directory: private, reachable by the servers' account, sockets on short paths."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from ingest.errors import NeedsPerson, SettingsError
from ingest.local import account as accounts
from ingest.local import data_dir, private_file
from ingest.local.credentials import Credentials
from ingest.local.data_dir import MAX_SOCKET_DIR, DataDir


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_nobody_else_can_list_it(base: Path) -> None:
    home = DataDir(base / "data")
    home.prepare()
    assert mode(home.path) in {0o700, 0o711}
    assert mode(home.log) == 0o700
    assert mode(home.server_dir("postgres")) == 0o700


@pytest.mark.parametrize("name", ["data", "with space", "d" * 150, "ü", 'quo"te'])
def test_sockets_lie_on_a_short_plain_path(base: Path, name: str) -> None:
    home = DataDir(base / name)
    home.prepare()
    sockets = home.socket_dir()
    assert len(os.fsencode(sockets)) <= MAX_SOCKET_DIR
    assert str(sockets).isascii()
    assert " " not in str(sockets)
    assert mode(sockets) == 0o700
    assert home.socket_dir() == sockets


def test_a_socket_directory_of_somebody_else_is_refused(base: Path) -> None:
    home = DataDir(base / ("d" * 150))
    home.prepare()
    sockets = home.socket_dir()
    sockets.chmod(0o777)
    with pytest.raises(NeedsPerson, match="belongs to somebody else"):
        home.socket_dir()
    sockets.rmdir()


def test_a_file_in_its_place_is_told(base: Path) -> None:
    (base / "data").touch()
    with pytest.raises(NeedsPerson, match=str(base / "data")):
        DataDir(base / "data").prepare()


@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o707])
def test_a_directory_that_all_can_write_is_refused(base: Path, mode: int) -> None:
    (base / "data").mkdir()
    (base / "data").chmod(mode)
    with pytest.raises(NeedsPerson, match="can be written by all"):
        DataDir(base / "data").prepare()


def test_a_directory_of_another_account_is_refused(base: Path) -> None:
    """It could hold a link in the place of any file that is written here."""
    if os.geteuid() != 0:
        pytest.skip("only root lends another account to the servers")
    account = accounts.for_servers("nobody")
    assert account is not None
    (base / "data").mkdir()
    account.own(base / "data")
    with pytest.raises(NeedsPerson, match="belongs to another account"):
        DataDir(base / "data").prepare()
    assert not list((base / "data").iterdir())


def test_a_disk_that_is_too_small_is_told(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_dir, "NEEDED_BYTES", 1 << 60)
    with pytest.raises(NeedsPerson, match="MiB are free, a first start needs"):
        DataDir(base / "data").prepare()


def test_credentials_are_made_once_and_private(base: Path) -> None:
    file = base / "credentials.json"
    made = Credentials.keep(file, file.with_name("not-there"))
    assert Credentials.keep(file) == made
    assert mode(file) == 0o600
    assert made.postgres not in repr(made)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"unknown": 1}'])
def test_damaged_credentials_are_told(base: Path, text: str) -> None:
    file = base / "credentials.json"
    file.write_text(text)
    with pytest.raises(NeedsPerson, match="is damaged"):
        Credentials.keep(file)


def test_a_private_file_is_replaced_whole(base: Path) -> None:
    file = base / "file"
    private_file.write(file, "one")
    before = file.stat().st_ino
    private_file.write(file, "two")
    assert (file.read_text(), mode(file)) == ("two", 0o600)
    assert file.stat().st_ino != before
    assert [path.name for path in base.iterdir()] == ["file"]


def test_an_unknown_account_is_told() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root lends another account to the servers")
    with pytest.raises(SettingsError, match="no-such-account"):
        accounts.for_servers("no-such-account")
    with pytest.raises(SettingsError, match="refuses root"):
        accounts.for_servers("root")


def test_what_an_account_reaches(base: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root lends another account to the servers")
    account = accounts.for_servers("nobody")
    assert account is not None
    assert account.reaches(base)
    (base / "closed").mkdir(mode=0o700)
    (base / "closed" / "inner").mkdir()
    assert not account.reaches(base / "closed" / "inner")
    account.own(base / "closed")
    assert account.reaches(base / "closed" / "inner")
