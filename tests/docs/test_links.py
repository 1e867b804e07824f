"""Every link inside the project leads somewhere."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.docs import pages

if TYPE_CHECKING:
    from pathlib import Path


def ident(path: Path) -> str:
    return str(path.relative_to(pages.ROOT))


@pytest.mark.parametrize("path", pages.PAGES, ids=ident)
def test_internal_links_resolve(path: Path) -> None:
    broken = [link for link in pages.links(path) if not is_there(path, link)]
    assert not broken


@pytest.mark.parametrize("name", ["ARCHITECTURE.md", "CONTRIBUTING.md", "DESIGN.md"])
def test_named_files_are_there(name: str) -> None:
    named = re.findall(r"`([\w./-]+(?:/|\.(?:rs|py|toml|txt|conf|template|md)))`", pages.page(name))
    roots = [pages.ROOT, pages.ROOT / "python" / "ingest", pages.ROOT / "native" / "src"]
    assert named
    assert [path for path in named if not any((root / path).exists() for root in roots)] == []


def is_there(path: Path, link: str) -> bool:
    if link.startswith(("https://", "http://")):
        return True
    target, _, anchor = link.partition("#")
    page = (path.parent / target).resolve() if target else path
    return page.exists() and (not anchor or anchor in pages.anchors(page))


@pytest.mark.parametrize("name", sorted((pages.ROOT / "docs").glob("*.md")), ids=ident)
def test_each_page_is_reached_from_the_readme(name: Path) -> None:
    assert f"docs/{name.name}" in pages.links(pages.ROOT / "README.md")
