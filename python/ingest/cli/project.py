"""`ingest project`: makes projects, gives and takes their keys, chooses their plans.

It does what the admin API does, with PostgreSQL alone; a key is printed once and kept nowhere.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ingest.cli import completion, options, servers
from ingest.errors import NeedsPerson, SettingsError
from ingest.plural import counted
from ingest.visible import visible_lines

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ingest.admin.projects import Projects

APP = typer.Typer(
    help="Projects, their keys and their plans.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
PAGE = 1000
ONCE = "The key is shown only now. Workers know it within two seconds."

Name = Annotated[str, typer.Argument(help="3 to 100 characters, taken once.")]
Project = Annotated[
    str, typer.Argument(help="Its name or id.", autocompletion=completion.project_names)
]
Plan = Annotated[
    str,
    typer.Option(
        help="free, pro, enterprise, unlimited, or one of yours.",
        autocompletion=completion.plan_names,
    ),
]
Expires = Annotated[
    datetime | None,
    typer.Option(
        "--expires", parser=options.time, metavar="TIME", help=f"It ends then, {options.TIME}."
    ),
]
OthersEnd = Annotated[
    int | None, typer.Option(help="The other keys end after so many seconds.  [default: never]")
]


@APP.command()
def create(
    name: Name,
    plan: Plan = "free",
    as_json: options.Json = False,
    data: options.Data = None,
    config: options.Config = None,
    database_url: options.DatabaseUrl = None,
) -> None:
    """Make a project and its first key."""
    with _projects(config, data, database_url) as do:
        made = do.make({"name": name, "plan": plan})
    project = f"project  {made['name']} ({made['project_id']}), plan {made['plan']}"
    _tell(made, as_json, f"{project}\nkey      {made['api_key']}\n{ONCE}")


@APP.command("list")
def list_projects(
    project: Annotated[
        str | None,
        typer.Argument(help="Show the keys of this one.", autocompletion=completion.project_names),
    ] = None,
    as_json: options.Json = False,
    data: options.Data = None,
    config: options.Config = None,
    database_url: options.DatabaseUrl = None,
) -> None:
    """List projects, or the keys of one."""
    with _projects(config, data, database_url) as do:
        if project is not None:
            shown = do.show(project)
            _tell(shown, as_json, _shown(shown))
            return
        listed = [one for page in _pages(do) for one in page]
    lines = [_listed(one) for one in listed]
    _tell(listed, as_json, "\n".join([*lines, counted(len(listed), "project")]))


@APP.command()
def rotate(
    project: Project,
    name: Annotated[str, typer.Option(help="Of the key.")] = "",
    expires: Expires = None,
    others_end_s: OthersEnd = None,
    as_json: options.Json = False,
    data: options.Data = None,
    config: options.Config = None,
    database_url: options.DatabaseUrl = None,
) -> None:
    """Add a key; the others go on working, or get an end."""
    fields = {
        "name": name,
        "others_end_s": others_end_s,
        "expires_at": expires and expires.isoformat(),
    }
    with _projects(config, data, database_url) as do:
        made = do.add_key(project, fields)
    others = made["others_ended"]
    verb = "ends" if others == 1 else "end"
    ended = f"others   {counted(others, 'key')} {verb} in {others_end_s} s\n"
    _tell(
        made,
        as_json,
        f"key id   {made['key_id']}\nkey      {made['api_key']}\n"
        f"{'' if others_end_s is None else ended}{ONCE}",
    )


@APP.command()
def revoke(
    project: Project,
    key_id: Annotated[str | None, typer.Argument(help="As `list PROJECT` shows it.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every key of the project.")] = False,
    as_json: options.Json = False,
    data: options.Data = None,
    config: options.Config = None,
    database_url: options.DatabaseUrl = None,
) -> None:
    """End a key for ever, within two seconds."""
    if (key_id is None) != everything:
        raise SettingsError("which key: its id as `ingest project list PROJECT` shows it, or --all")
    with _projects(config, data, database_url) as do:
        done = do.revoke(project, key_id)
    _tell(done, as_json, f"{counted(len(done['revoked']), 'key')} revoked")


@APP.command("set-plan")
def set_plan(
    project: Project,
    plan: Annotated[
        str, typer.Argument(help="The plan's name.", autocompletion=completion.plan_names)
    ],
    as_json: options.Json = False,
    data: options.Data = None,
    config: options.Config = None,
    database_url: options.DatabaseUrl = None,
) -> None:
    """Put a project on another plan."""
    with _projects(config, data, database_url) as do:
        changed = do.set_plan(project, {"plan": plan})
    _tell(changed, as_json, _head(changed))


@contextmanager
def _projects(
    config: Path | None, data: Path | None, database_url: str | None
) -> Iterator[Projects]:
    settings = options.load(config, data_dir=data, database_url=database_url)
    from ingest.admin.projects import Projects
    from ingest.media import Refusal
    from ingest.problems import PROBLEMS

    with servers.connected(settings, "project"):
        pass  # so that a fault of the server or its tables is told before anything is asked
    try:
        yield Projects(servers.database_url(settings), settings.known_plans)
    except Refusal as refusal:
        raise NeedsPerson(refusal.message or PROBLEMS[refusal.code].message) from None


def _pages(do: Projects) -> Iterator[list[dict[str, Any]]]:
    after: str | None = ""
    while after is not None:
        page = do.page(after, PAGE)
        yield page["projects"]
        after = page["next"]


def _tell(found: object, as_json: bool, text: str) -> None:
    typer.echo(json.dumps(found) if as_json else visible_lines(text))


def _listed(project: dict[str, Any]) -> str:
    keys = counted(project["active_keys"], "key")
    return f"{project['project_id']}  {project['plan']:<12} {keys:<8} {project['name']}"


def _head(project: dict[str, Any]) -> str:
    limits = project["limits"] or {}
    bounds = [
        f"{counted(limits[name], what)} a minute"
        for name, what in (("requests_per_minute", "request"), ("events_per_minute", "event"))
        if limits.get(name)
    ]
    told = ", ".join(bounds) or (
        "no limits" if limits else "not known here: name its settings file"
    )
    return f"{project['name']} ({project['project_id']}), plan {project['plan']}: {told}"


def _shown(project: dict[str, Any]) -> str:
    lines = [
        f"{key['key_id']}  {key['state']:<8} made {key['created_at'][:19]}"
        f"  ends {(key['revoked_at'] or key['expires_at'] or 'never')[:19]:<19}  {key['name']}"
        for key in project["keys"]
    ]
    return "\n".join([_head(project), *map(str.rstrip, lines)])
