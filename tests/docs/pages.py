"""The project's pages as data: code blocks, tables, links, headings. Used by the tests here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md")],
)
FENCE = re.compile(r"^```(\w*)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CELL = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True)
class Block:
    """One fenced block; `label` is what stands behind the language."""

    page: Path
    line: int
    language: str
    label: str
    text: str

    def __str__(self) -> str:
        """Name the place, for a failing test."""
        return f"{self.page.name}:{self.line}"


def page(name: str) -> str:
    """Give a page's text by its path from the top of the repository."""
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(path: Path, *languages: str) -> list[Block]:
    """Find a page's fenced blocks of these languages, in order."""
    text = path.read_text(encoding="utf-8")
    found = [
        Block(path, text.count("\n", 0, at.start()) + 1, at[1], at[2].strip(), at[3])
        for at in FENCE.finditer(text)
    ]
    return [block for block in found if block.language in languages]


def labelled(name: str, label: str) -> Block:
    """Find the one block of a page that has this label."""
    path = ROOT / name
    languages = ("sh", "json", "python", "javascript", "http", "sql", "toml", "text")
    (found,) = [block for block in blocks(path, *languages) if block.label == label]
    return found


def prose(path: Path) -> str:
    """Give a page without its fenced blocks."""
    return FENCE.sub("", path.read_text(encoding="utf-8"))


def tables(path: Path) -> list[list[list[str]]]:
    """Give a page's tables as rows of cells; the head is the first row, the rule is left out."""
    found: list[list[list[str]]] = []
    was_row = False
    for line in prose(path).splitlines():
        is_row = line.startswith("|")
        if is_row and not was_row:
            found.append([])
        if is_row and not set(line) <= set("|-: "):
            found[-1].append(_cells(line))
        was_row = is_row
    return found


def table(name: str, head: str) -> list[list[str]]:
    """Find the one table whose first column has this head; give its rows without the head."""
    (found,) = [rows for rows in tables(ROOT / name) if rows[0][0] == head]
    return found[1:]


def links(path: Path) -> list[str]:
    """Give the targets of a page's links."""
    return LINK.findall(prose(path))


def anchors(path: Path) -> set[str]:
    """Give the anchors of a page's headings, as the usual renderers name them."""
    headings = re.findall(r"^#+ (.+)$", prose(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def plain(cell: str) -> str:
    """Give a table's cell without its code marks."""
    return cell.strip("`").replace("\\|", "|")


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in CELL.split(line)[1:-1]]
