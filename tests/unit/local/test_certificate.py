"""A certificate that the edge can't use is told before anything starts."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from ingest.local import certificate
from ingest.settings import Settings

from tests import certificates

if TYPE_CHECKING:
    from pathlib import Path


def faults(chain: Path, key: Path) -> list[str]:
    return list(certificate.faults(Settings(tls_certificate=chain, tls_key=key)))


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    made = (tmp_path / "chain.pem", tmp_path / "key.pem")
    certificates.make(*made)
    return made


def test_a_pair_is_fine_and_so_is_none(pair: tuple[Path, Path]) -> None:
    assert faults(*pair) == []
    assert list(certificate.faults(Settings())) == []


def test_files_that_are_not_there_are_all_told(tmp_path: Path) -> None:
    told = faults(tmp_path / "a", tmp_path / "b")
    assert told == [
        f"tls_certificate: {tmp_path / 'a'}: No such file or directory",
        f"tls_key: {tmp_path / 'b'}: No such file or directory",
    ]


def test_what_is_no_pair_is_told(pair: tuple[Path, Path], tmp_path: Path) -> None:
    other, text = tmp_path / "other.pem", tmp_path / "text"
    certificates.make(tmp_path / "unused.pem", other)
    text.write_text("no certificate")
    closed = tmp_path / "closed.pem"
    openssl = [
        "openssl",
        "rsa",
        "-aes128",
        "-passout",
        "pass:word",
        "-in",
        str(pair[1]),
        "-out",
        str(closed),
    ]
    subprocess.run(openssl, check=True, capture_output=True)
    for chain, key in ((pair[0], other), (text, pair[1]), (pair[0], text), (pair[0], closed)):
        (told,) = faults(chain, key)
        assert told.startswith("tls_certificate, tls_key: not a chain in PEM with its key")
        assert str(key) in told
    shutil.copy(pair[1], other)
    assert faults(pair[0], other) == []
