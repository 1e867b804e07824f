"""Every command, flag, variable and make target that a page names exists."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import typer.main
from ingest.cli import app
from ingest.settings import CONFIG_VARIABLE, PREFIX, Settings

from tests.docs import pages

if TYPE_CHECKING:
    from pathlib import Path

COMMAND = re.compile(r"(?:`|^)ingest (\w+)((?: [\w./-]+)*)", re.MULTILINE)
MAKE = re.compile(r"(?:`|^)make (\w+)", re.MULTILINE)
MARKED = re.compile(r"`[^`]+`")
VARIABLE = re.compile(rf"\b{PREFIX}[A-Z_]+\b")
SETTING = re.compile(r"`([a-z]+(?:_[a-z]+)+)`")
COMMANDS = typer.main.get_command(app.APP).commands  # type: ignore[attr-defined]

each_page = pytest.mark.parametrize("path", pages.PAGES, ids=lambda path: path.name)


def code(path: Path) -> str:
    """Give what a page marks as code: words in its prose, and blocks of commands."""
    marked = MARKED.findall(pages.prose(path))
    return "\n".join([*marked, *(block.text for block in pages.blocks(path, "sh"))])


@each_page
def test_commands_and_their_flags_exist(path: Path) -> None:
    for verb, rest in COMMAND.findall(code(path)):
        assert verb in COMMANDS
        words = rest.split()
        group = getattr(COMMANDS[verb], "commands", {})
        command = group[words[0]] if group and words else COMMANDS[verb]
        known = {flag for one in command.params for flag in (*one.opts, *one.secondary_opts)}
        assert {word for word in words if word.startswith("--")} <= known, verb


@each_page
def test_make_targets_exist(path: Path) -> None:
    targets = set(re.findall(r"^(\w+):", pages.page("Makefile"), re.MULTILINE))
    assert set(MAKE.findall(code(path))) <= targets


def test_every_make_target_is_there_and_says_what_it_does() -> None:
    text = pages.page("Makefile")
    (named,) = re.findall(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    told = re.findall(r"^(\w+):.*## \w", text, re.MULTILINE)
    assert {*named.split()} - {*told} == {"help"}


@each_page
def test_variables_are_settings(path: Path) -> None:
    named = {*VARIABLE.findall(path.read_text(encoding="utf-8"))} - {CONFIG_VARIABLE}
    assert {name.removeprefix(PREFIX).lower() for name in named} <= Settings.model_fields.keys()


def test_the_running_page_names_settings_that_exist() -> None:
    named = set(SETTING.findall(pages.page("docs/running.md")))
    assert {"log_max_bytes", "drain_timeout_s"} <= named
    assert named - {"dead_letter", "api_key", "pg_dump", "event_id"} <= Settings.model_fields.keys()
