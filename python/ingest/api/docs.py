"""The page /docs: what can be asked, with lines to paste; one file that loads nothing else."""

from __future__ import annotations

from html import escape
from typing import Any

_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 52rem; margin: 2rem auto; padding: 0 1rem; }
pre, code { font: 0.875rem/1.5 ui-monospace, monospace; }
pre { padding: 0.75rem 1rem; overflow-x: auto; border: 1px solid #8886; border-radius: 6px; }
h2 { margin-top: 2.5rem; font-size: 1.1rem; } h2 code { font-size: 1.1rem; }
table { border-collapse: collapse; } td { padding: 0.2rem 1rem 0.2rem 0; vertical-align: top; }
"""
_INTRO = """
<p>Post events as JSON with your key. A <code>202</code> means stored: <code>Ingest-Ack</code> says
whether on disk (<code>fsync</code>) or in memory. Send again after a <code>503</code> or a lost
connection, with the same <code>event_id</code>s or the same <code>Idempotency-Key</code>: each
event is then stored once. The whole interface as a document:
<a href="/docs/openapi.json">openapi.json</a>.</p>
"""
_KEY = "-H 'X-Api-Key: YOUR_KEY' -H 'Content-Type: application/json'"
_EVENT = """{"event_type":"%s","timestamp":"'"$(date -u +%%FT%%TZ)"'","properties":%s}"""
_SAMPLES = {
    "page_view": '{"page_url":"https://example.com/"}',
}


def page(document: dict[str, Any]) -> str:
    """Write the page of an OpenAPI document."""
    title = escape(document["info"]["title"])
    routes = "".join(
        _route(document, method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    )
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style><h1>{title}</h1>{_INTRO}{routes}</html>"
    )


def _route(document: dict[str, Any], method: str, path: str, operation: dict[str, Any]) -> str:
    answers = "".join(
        f"<tr><td>{status}<td>{escape(answer['description'])}"
        for status, answer in operation["responses"].items()
    )
    return (
        f"<h2><code>{method.upper()} {path}</code></h2><p>{escape(operation['summary'])}.</p>"
        f"<pre>{escape(_curl(document, path))}</pre><table>{answers}</table>"
    )


def _curl(document: dict[str, Any], path: str) -> str:
    """Give a line to paste; the address is the page's own, so it is left to the reader."""
    types = document["components"]["schemas"]["Event"]["properties"]["event_type"]["enum"]
    kind = "page_view" if "page_view" in types else types[0]
    event = _EVENT % (kind, _SAMPLES.get(kind, "{}"))
    bodies = {
        "/v1/events": f"[{event}]",
        "/api/v1/event": event,
        "/api/v1/event/batch": f'{{"events":[{event}]}}',
    }
    if path in bodies:
        return f"curl \"$URL{path}\" {_KEY} -d '{bodies[path]}'"
    if path == "/api/v1/project":
        head = "-H 'Authorization: Bearer ADMIN_TOKEN' -H 'Content-Type: application/json'"
        return f'curl "$URL{path}" {head} -d \'{{"name":"shop","plan":"pro"}}\''
    return f'curl "$URL{path}"'
