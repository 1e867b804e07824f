"""The key that `up` makes is kept, and one that the edge would refuse is told at the start."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import psycopg
import pytest
from ingest.errors import NeedsPerson
from ingest.local import first_key

if TYPE_CHECKING:
    from pathlib import Path


def test_it_is_made_once_and_kept(dsn: str, tmp_path: Path) -> None:
    path = tmp_path / "key"
    assert first_key.read(path) is None
    key = first_key.keep(dsn, path)
    assert first_key.read(path) == key
    assert first_key.FORM.fullmatch(key)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert first_key.keep(dsn, path) == key
    with psycopg.connect(dsn) as connection:
        assert connection.execute("SELECT count(*) FROM api_key").fetchone() == (1,)


@pytest.mark.parametrize("text", [b"", b"hello", b"\xff\xfe", b"wk_local_short\n"])
def test_what_is_no_key_is_refused_before_anything_is_stored(
    dsn: str, tmp_path: Path, text: bytes
) -> None:
    path = tmp_path / "key"
    path.write_bytes(text)
    with pytest.raises(NeedsPerson, match="holds no key"):
        first_key.keep(dsn, path)
    with psycopg.connect(dsn) as connection:
        assert connection.execute("SELECT count(*) FROM api_key").fetchone() == (0,)
