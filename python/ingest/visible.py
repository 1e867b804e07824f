"""Text of others as a terminal may be given it: what would steer it, or hide, is escaped.

Clients write events, and PostgreSQL quotes them. What goes to files and pipes stays as it is.
"""

from __future__ import annotations

import json


def visible(text: str) -> str:
    """Escape control, bidirectional and other unseen characters, line ends too."""
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text)


def visible_lines(text: str) -> str:
    """Do the same to text of several lines, which stay lines."""
    return "\n".join(map(visible, text.split("\n")))


def visible_json(text: str) -> str:
    """Escape them in JSON text so that it stays the same JSON; its line ends stay."""
    return "".join(
        sign if sign.isprintable() or sign == "\n" else escaped_json(sign) for sign in text
    )


def escaped_json(sign: str) -> str:
    r"""Write a character as in a JSON string: `\n`, `\u202e`, or two halves beyond U+FFFF."""
    return r"\u007f" if sign == "\x7f" else json.dumps(sign)[1:-1]
