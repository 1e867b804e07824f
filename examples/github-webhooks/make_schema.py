"""Write schema.toml from the webhook payloads of the npm package @octokit/webhooks-examples.

Usage: make_schema.py PACKAGE_DIRECTORY > schema.toml

An event type for each webhook's name; a shared property is required where every example has it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

HEADER = """\
# GitHub's webhooks as events: `event_type` is the webhook's name (the X-GitHub-Event header), and
# `properties` is the payload as GitHub sent it. Written by make_schema.py from
# @octokit/webhooks-examples {version}; what is not named under properties is kept unchecked.
name = "github-webhooks"
layout = 1

[envelope]
timestamp = "optional" # most payloads carry no time of their own: then the receive time stands in
properties = "required"
"""

PROPERTIES = """
[properties.action]
type = "string"
min_length = 1
max_length = 100

[properties.repository]
type = "object"

[properties.sender]
type = "object"

[properties.organization]
type = "object"

[properties.installation]
type = "object"

[properties.enterprise]
type = "object"

[properties.number]
type = "integer"
minimum = 1

[properties.ref]
type = "string"

[properties.forced]
type = "boolean"
"""
DECLARED = ("action", "repository", "sender", "number", "ref", "forced")


def webhooks(package: Path) -> Iterator[tuple[str, dict[str, object]]]:
    """Give each example as (webhook's name, payload), of all versions in the package."""
    for file in sorted(package.glob("*/index.json")):
        for definition in json.loads(file.read_text(encoding="utf-8")):
            for payload in definition["examples"]:
                yield definition["name"], payload


def required(package: Path) -> dict[str, list[str]]:
    """Find, for each webhook, the declared properties that all its examples have."""
    found: dict[str, set[str]] = {}
    for name, payload in webhooks(package):
        found[name] = found.get(name, set(DECLARED)) & payload.keys()
    return {name: [key for key in DECLARED if key in found[name]] for name in sorted(found)}


def schema(package: Path) -> str:
    """Build the whole text of the schema."""
    version = json.loads((package / "package.json").read_text(encoding="utf-8"))["version"]
    types = (_event_type(name, keys) for name, keys in required(package).items())
    return HEADER.format(version=version) + "".join(types) + PROPERTIES


def _event_type(name: str, keys: list[str]) -> str:
    line = f"required = {json.dumps(keys)}\n" if keys else ""
    return f"\n[event_types.{name}]\n{line}"


if __name__ == "__main__":
    sys.stdout.write(schema(Path(sys.argv[1])))
