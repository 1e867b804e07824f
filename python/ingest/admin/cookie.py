"""The cookie that carries a session of the dashboard."""

from __future__ import annotations

from typing import NamedTuple


class Cookie(NamedTuple):
    """Named after the port: cookies of all ports of a host go to each of them."""

    port: int
    lifetime_s: int

    @property
    def name(self) -> str:
        """The cookie's name."""
        return f"ingest_session_{self.port}"

    def read(self, header: str) -> str:
        """Find the session's ticket in a Cookie header; empty without one."""
        for pair in header.split(";"):
            name, _, value = pair.strip().partition("=")
            if name == self.name:
                return value
        return ""

    def write(self, ticket: str, is_encrypted: bool) -> str:
        """Give the Set-Cookie header that keeps a ticket; no script can read it."""
        return self._header(ticket, self.lifetime_s, is_encrypted)

    def clear(self) -> str:
        """Give the Set-Cookie header that removes it."""
        return self._header("", 0, is_encrypted=False)

    def _header(self, value: str, seconds: int, is_encrypted: bool) -> str:
        secure = "; Secure" if is_encrypted else ""
        return f"{self.name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}"
