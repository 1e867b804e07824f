"""How every process logs: one line for each thing that matters, on stderr, without secrets.

Readable on a terminal, JSON elsewhere. A value is hidden when its key names a secret, and
passwords in URLs and API keys are cut out of any text.
"""

from __future__ import annotations

import logging
import re
import sys
from contextlib import suppress
from logging.handlers import RotatingFileHandler
from typing import TYPE_CHECKING, Any

import structlog

from ingest.visible import visible_lines

if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from pathlib import Path

    from structlog.typing import Processor

HIDDEN = "[hidden]"
SECRET_KEY = re.compile(r"(password|secret|token|api_key|authorization)$", re.IGNORECASE)
SECRET_TEXT = (
    (re.compile(r"(?<=://)([^/\s:@]*):[^@\s]+@"), rf"\1:{HIDDEN}@"),
    (re.compile(r"(password=)('[^']*'|\S+)", re.IGNORECASE), rf"\1{HIDDEN}"),
    (re.compile(r"wk_[a-z0-9]+_[A-Za-z0-9_-]{43}"), HIDDEN),
)


def configure(level: str, style: str) -> None:
    """Set up structlog and the standard library's loggers; `style` is auto, json or text."""
    readable = style == "text" or (style == "auto" and sys.stderr.isatty())
    structlog.configure(
        processors=[*SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_formatter(_renderer(readable)))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())


class RotatedFile(RotatingFileHandler):
    """Tells once that lines can't be written, instead of a traceback for each."""

    told = False

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the library's name
        """Say why; a process goes on without its log."""
        del record
        if not self.told:
            self.told = True
            with suppress(OSError):
                sys.stderr.write(f"{self.baseFilename}: {sys.exc_info()[1]}\n")


def also_to(path: Path, max_bytes: int, backups: int) -> None:
    """Write JSON lines to a rotated file too, after `configure`."""
    handler = RotatedFile(path, maxBytes=max_bytes, backupCount=backups, encoding="utf-8")
    handler.setFormatter(_formatter(structlog.processors.JSONRenderer()))
    logging.getLogger().addHandler(handler)


def get(name: str) -> structlog.stdlib.BoundLogger:
    """Give the logger of a module."""
    logger: structlog.stdlib.BoundLogger = structlog.get_logger(name)
    return logger


def hide_secrets(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Take secrets out of a line; a structlog processor."""
    for key, value in event.items():
        if SECRET_KEY.search(key):
            event[key] = HIDDEN
        elif isinstance(value, str):
            event[key] = redact(value)
    return event


def redact(text: str) -> str:
    """Cut passwords of URLs and connection strings, and API keys, out of a text."""
    for pattern, replacement in SECRET_TEXT:
        text = pattern.sub(replacement, text)
    return text


SHARED: tuple[Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
    hide_secrets,
)


def _renderer(readable: bool) -> Processor:
    if readable:
        console = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
        return lambda logger, method, event: console(logger, method, _visible(event))
    return structlog.processors.JSONRenderer(sort_keys=False)


def _visible(event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Let nothing that a server quotes of a client steer the terminal; tracebacks keep lines."""
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = visible_lines(value)
    return event


def _formatter(renderer: Processor) -> structlog.stdlib.ProcessorFormatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=SHARED,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    )
