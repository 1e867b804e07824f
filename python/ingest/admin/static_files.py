"""The files that the pages are made of, read once at the start; they hold no data."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from ingest.admin import heads
from ingest.admin.gate import LOGIN_PAGE, PAGE, STATIC
from ingest.serving import Response, Route

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from importlib.resources.abc import Traversable

    from ingest.serving import Answer, Request

ROOT = files("ingest.admin") / "static"
PAGES = {PAGE: "dashboard.html", LOGIN_PAGE: "login.html"}
MEDIA = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


def routes() -> list[Route]:
    """Make a route for each page and each file."""
    pages = [
        Route("GET", path, _constant(Response(200, heads.of_page(), _read(ROOT / name))))
        for path, name in PAGES.items()
    ]
    return [*pages, *_files(ROOT, STATIC)]


def _files(folder: Traversable, path: str) -> Iterator[Route]:
    for file in folder.iterdir():
        suffix = file.name[file.name.rfind(".") :]
        if file.is_dir():
            yield from _files(file, f"{path}{file.name}/")
        elif suffix in MEDIA:
            response = Response(200, heads.of(MEDIA[suffix]), _read(file))
            yield Route("GET", path + file.name, _constant(response))


def _read(file: Traversable) -> str:
    return file.read_text(encoding="utf-8")


def _constant(response: Response) -> Answer:
    async def answer(_request: Request, _headers: Mapping[str, str]) -> Response:
        return response

    return answer
