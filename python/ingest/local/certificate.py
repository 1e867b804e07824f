"""Whether the edge could serve TLS with the files of the settings; told before anything starts."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ingest.settings import Settings


def faults(settings: Settings) -> Iterator[str]:
    """Say what is wrong with certificate and key; nothing without TLS."""
    certificate, key = settings.tls_certificate, settings.tls_key
    if certificate is None or key is None:
        return
    unreadable = [*_unreadable("tls_certificate", certificate), *_unreadable("tls_key", key)]
    yield from unreadable
    if not unreadable:
        yield from _no_pair(certificate, key)


def _unreadable(name: str, path: Path) -> Iterator[str]:
    try:
        path.open("rb").close()
    except OSError as error:
        yield f"{name}: {path}: {error.strerror}"


def _no_pair(certificate: Path, key: Path) -> Iterator[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        # With a password no key is opened here, as by the edge: nobody is there to type it.
        context.load_cert_chain(certificate, key, password=lambda: "")
    except ssl.SSLError as error:
        why = error.reason or "not PEM, or the key has a password"
        text = "tls_certificate, tls_key: not a chain in PEM with its key, without password"
        yield f"{text}: {certificate}, {key}: {why}"
