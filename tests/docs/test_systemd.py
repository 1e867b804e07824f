"""The units of deploy/systemd: what they run exists, and systemd takes them where it is there."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import typer.main
from ingest.cli import app
from ingest.settings import PREFIX, Settings
from pydantic import ValidationError

from tests.docs import compose, pages

FOLDER = pages.ROOT / "deploy" / "systemd"
SERVICES = sorted(path.name for path in FOLDER.glob("*.service"))
PROGRAM = "/opt/ingest/bin/ingest"
MOST_EXPOSED = 2.0  # of 10, by systemd's own count; 1.3 when this was written
HARDENING = {
    "DynamicUser": "yes",
    "NoNewPrivileges": "yes",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "CapabilityBoundingSet": "",
}

SECRETS = {"INGEST_EDGE_SECRET", "INGEST_ADMIN_TOKEN"}

each_service = pytest.mark.parametrize("name", SERVICES)


def unit(path: Path) -> dict[str, list[str]]:
    """Read the assignments of a unit, whatever their section."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for line in path.read_text(encoding="utf-8").splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found[name].append(value)
    return found


def environment(name: str) -> dict[str, str]:
    text = (FOLDER / "env" / name).read_text(encoding="utf-8")
    return dict(word.split("=", 1) for word in shlex.split(text))


def test_there_is_a_unit_for_each_process() -> None:
    kinds = {re.split(r"[@.]", name)[0] for name in SERVICES}
    assert kinds == {"ingest-worker", "ingest-consumer", "ingest-admin", "ingest-edge"}


@each_service
def test_what_it_runs_exists(name: str) -> None:
    (start,) = unit(FOLDER / name)["ExecStart"]
    program, verb, *arguments = start.replace("%i", "1").split()
    assert program == PROGRAM
    command = typer.main.get_command(app.APP).commands[verb]  # type: ignore[attr-defined]
    assert command.make_context(verb, list(arguments)).params


@each_service
def test_its_environment_is_of_settings(name: str) -> None:
    (path,) = unit(FOLDER / name)["EnvironmentFile"]
    assert path.startswith("/etc/ingest/")
    given = environment(Path(path).name)
    values: dict[str, Any] = {
        variable.removeprefix(PREFIX).lower(): given[variable] for variable in given
    }
    assert values.keys() <= Settings.model_fields.keys()
    Settings(**{setting: value.replace("SECRET", "x" * 32) for setting, value in values.items()})


@each_service
def test_a_secret_left_out_is_told(name: str) -> None:
    (path,) = unit(FOLDER / name)["EnvironmentFile"]
    given = environment(Path(path).name)
    secrets: dict[str, Any] = {
        one.removeprefix(PREFIX).lower(): given[one] for one in given if one in SECRETS
    }
    assert secrets
    with pytest.raises(ValidationError, match="16 characters"):
        Settings(**secrets)


@each_service
def test_it_is_bounded(name: str) -> None:
    assert unit(FOLDER / name)["MemoryMax"]


@each_service
def test_ready_is_told_by_who_can_tell(name: str) -> None:
    is_ours = name != "ingest-edge.service"
    assert unit(FOLDER / name)["Type"] == ["notify" if is_ours else "exec"]


def test_the_common_part_hardens_all() -> None:
    common = unit(FOLDER / "ingest-.service.d" / "common.conf")
    assert {key: common[key][0] for key in HARDENING} == HARDENING
    assert common["WantedBy"] == ["ingest.target"]
    assert all(name.startswith("ingest-") for name in SERVICES)


@pytest.mark.parametrize(
    ("kind", "count", "variable", "files"),
    [
        ("worker", 2, "INGEST_WORKER_URLS", ("edge.env", "admin.env")),
        ("consumer", 2, "INGEST_CONSUMER_URLS", ("admin.env",)),
    ],
)
def test_who_asks_knows_the_ports(
    kind: str, count: int, variable: str, files: tuple[str, ...]
) -> None:
    (start,) = unit(FOLDER / f"ingest-{kind}@.service")["ExecStart"]
    port = start.rpartition(" ")[2]
    urls = [f"http://127.0.0.1:{port.replace('%i', str(index))}" for index in range(count)]
    assert [environment(name)[variable].split() for name in files] == [urls] * len(files)


def test_the_edge_may_open_as_many_files_as_in_compose() -> None:
    files = unit(FOLDER / "ingest-edge.service")["LimitNOFILE"]
    assert files == [str(compose.SERVICES["edge"]["ulimits"]["nofile"])]


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A root with the units where systemd looks for them, and a program in ours' place."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    units = tmp_path / "etc" / "systemd" / "system"
    shutil.copytree(FOLDER, units)
    shutil.copy("/bin/true", tmp_path / "true")
    for path in units.glob("*.service"):
        path.write_text(path.read_text().replace(PROGRAM, str(tmp_path / "true")))
    return tmp_path


def instances() -> list[str]:
    return [name.replace("@.", "@0.") for name in SERVICES]


def test_systemd_takes_the_units(installed: Path) -> None:
    units = installed / "etc" / "systemd" / "system"
    paths = [str(units / name) for name in ["ingest.target", *instances()]]
    done = subprocess.run(
        ["systemd-analyze", "verify", *paths],
        env={"PATH": "/usr/bin:/bin", "SYSTEMD_UNIT_PATH": f"{units}:"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", instances())
def test_little_is_exposed(installed: Path, name: str) -> None:
    command = ["systemd-analyze", "security", "--offline=true", f"--root={installed}"]
    done = subprocess.run([*command, name], capture_output=True, text=True, check=True)
    level = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert level
    assert float(level[1]) <= MOST_EXPOSED
