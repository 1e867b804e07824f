"""How every process logs: one line for each thing that matters, on stderr, without secrets.

Readable on a terminal, JSON elsewhere. A value is hidden when its key names a secret, and
passwords in URLs and API keys are cut out of any text.
"""

from __future__ import annotations

import logging
import re
import sys
from typing import TYPE_CHECKING, Any

import structlog

if TYPE_CHECKING:
    from collections.abc import MutableMapping

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
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        hide_secrets,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    _to_stderr(level, shared, _renderer(readable))


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


def _renderer(readable: bool) -> Processor:
    if readable:
        return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    return structlog.processors.JSONRenderer(sort_keys=False)


def _to_stderr(level: str, shared: list[Processor], renderer: Processor) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
