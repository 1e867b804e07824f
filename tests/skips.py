"""With --strict-skips a test that is skipped for a reason not listed here fails the run.

A skip is how a suite goes quiet: what a new machine may lack is named, and nothing else.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable

ALLOWED = re.compile(
    r"only root lends another account to the servers"
    r"|the other tests run as an ordinary user already"
    r"|(npm|node|chromium|libfaketime) is not installed"
    r"|a file system of one's own needs Linux and root"
    r"|mount: .*(denied|not permitted)"
    r"|no openssl to make a certificate with"
    r"|(prometheus|systemd-analyze) is not installed"
    r"|the JSONTestSuite corpus is not beside this checkout"
)


class StrictSkips:
    """The plugin that --strict-skips switches on."""

    def __init__(self) -> None:
        """Begin without a skip."""
        self._unexpected: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a skipped test whose reason is not on the list."""
        if report.skipped and not hasattr(report, "wasxfail"):
            self._note(report.nodeid, report.longrepr)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a module that was skipped as a whole."""
        if report.skipped:
            self._note(report.nodeid, report.longrepr)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail the run."""
        if self._unexpected and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say which."""
        for line in self._unexpected:
            terminalreporter.write_line(f"unexpected skip: {line}", red=True)

    def _note(self, nodeid: str, why: object) -> None:
        reason = str(why[2]) if isinstance(why, tuple) else str(why)
        self._unexpected += unexpected([f"{nodeid}: {reason}"])


def unexpected(reasons: Iterable[str]) -> list[str]:
    """Give the reasons that are not on the list."""
    return [reason for reason in reasons if not ALLOWED.search(reason)]
