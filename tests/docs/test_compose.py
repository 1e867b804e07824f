"""docker-compose.yml, its environment, the image and the workflows, by parsing them."""

from __future__ import annotations

import re
import runpy
import subprocess
from pathlib import Path

import pytest
import typer.main
import yaml
from ingest.cli import app
from ingest.local import valkey as embedded
from ingest.local.edge import TLS_PROTOCOLS
from ingest.settings import PREFIX, Settings

from tests.docs import compose, pages
from tests.docs.compose import FOLDER, OURS, SERVICES

OFFICIAL = {"postgres", "valkey/valkey", "nginx", "prom/prometheus", "grafana/grafana"}

TLS_FOLDER = "./tls"  # made by make-env

each_service = pytest.mark.parametrize("name", SERVICES)


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return compose.secrets(tmp_path_factory.mktemp("env"))


def test_make_env_does_not_overwrite(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("kept")
    done = subprocess.run([FOLDER / "make-env"], cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 1
    assert (tmp_path / ".env").read_text() == "kept"


def test_every_variable_is_written_by_make_env(secrets: dict[str, str]) -> None:
    named = {name for name, *_ in compose.VARIABLE.findall(pages.page("docker-compose.yml"))}
    assert named <= secrets.keys()
    values = [value for value in secrets.values() if value]
    assert len({*values}) == len(values)


def test_the_token_that_prometheus_reads_is_the_admins(tmp_path: Path) -> None:
    token = compose.secrets(tmp_path)["ADMIN_TOKEN"]
    source = compose.FILE["secrets"]["admin-token"]["file"]
    assert (tmp_path / source).read_text() == token
    assert (tmp_path / source).parent.stat().st_mode & 0o777 == 0o700
    assert source.removeprefix("./").split("/")[0] in pages.page(".gitignore")


@each_service
def test_secrets_are_of_the_file(name: str) -> None:
    assert {*SERVICES[name].get("secrets", [])} <= {*compose.FILE["secrets"]}


@each_service
def test_the_image_is_an_official_one_of_a_version(name: str) -> None:
    image, _, tag = SERVICES[name]["image"].partition(":")
    assert (image, tag) == ("ingest", "local") if name in OURS else image in OFFICIAL
    assert name in OURS or re.fullmatch(r"v?\d+(\.\d+)*", tag)


@each_service
def test_privileges_are_dropped(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    # Our own image has its user in the Dockerfile.
    assert service.get("user", "") not in {"root", "0"}
    assert ("user" in service) != (name in OURS)


def test_our_image_runs_as_a_user() -> None:
    assert "USER 10001:10001" in pages.page("Dockerfile")


@each_service
def test_no_argument_holds_a_secret(name: str) -> None:
    service = SERVICES[name]
    arguments = [*service.get("command", []), *service.get("healthcheck", {}).get("test", [])]
    assert not [argument for argument in arguments if "${" in argument]


@each_service
def test_ports_are_published_on_loopback_alone(name: str, secrets: dict[str, str]) -> None:
    for port in SERVICES[name].get("ports", []):
        variable, default = re.fullmatch(r"\$\{(\w+):-([\d.:]+)\}:\d+", port).groups()  # type: ignore[union-attr]
        assert secrets[variable] == default
        assert default.startswith("127.0.0.1:")


def test_only_who_is_published_is_outside_of_the_inner_network() -> None:
    outside = {name for name, service in SERVICES.items() if service["networks"] != ["back"]}
    assert outside == {"edge", "admin", "prometheus", "grafana"}
    assert compose.FILE["networks"]["back"] == {"internal": True}


def test_who_watches_reaches_admin_alone() -> None:
    beside = {name for name, service in SERVICES.items() if "watch" in service["networks"]}
    assert beside == {"admin", "prometheus", "grafana"}
    assert SERVICES["prometheus"]["networks"] == SERVICES["grafana"]["networks"] == ["watch"]


@each_service
def test_every_mounted_file_is_there(name: str) -> None:
    for volume in SERVICES[name].get("volumes", []):
        source, _, _ = volume.partition(":")
        is_ours = source.startswith("./")
        is_there = source == TLS_FOLDER or (pages.ROOT / source).is_file()
        assert is_there if is_ours else source in compose.FILE["volumes"]
        assert not is_ours or volume.endswith(":ro")


def test_postgres_keeps_its_data_where_the_image_has_it() -> None:
    assert "postgres:/var/lib/postgresql" in SERVICES["postgres"]["volumes"]


@each_service
def test_dependencies_are_services_with_a_matching_condition(name: str) -> None:
    for other, how in SERVICES[name].get("depends_on", {}).items():
        if how["condition"] == "service_healthy":
            assert "healthcheck" in SERVICES[other]
        else:
            assert how["condition"] == "service_completed_successfully"
            assert SERVICES[other]["restart"] == "no"


@pytest.mark.parametrize("name", OURS)
def test_command_and_settings_are_known(name: str) -> None:
    verb, *arguments = OURS[name]["command"]
    command = typer.main.get_command(app.APP).commands[verb]  # type: ignore[attr-defined]
    assert command.make_context(verb, list(arguments)).params
    settings = {variable.removeprefix(PREFIX).lower() for variable in OURS[name]["environment"]}
    assert settings <= Settings.model_fields.keys()


def test_the_edge_is_the_one_that_up_runs() -> None:
    rendered = runpy.run_path(str(FOLDER / "render_edge.py"))["config"](Settings())
    assert pages.page("deploy/compose/edge.conf.template") == rendered


@pytest.mark.parametrize("certificate", ["", "full.pem"])
def test_each_template_of_the_edge_is_filled_in(secrets: dict[str, str], certificate: str) -> None:
    environment = compose.environment("edge", secrets | {"TLS_CERTIFICATE": certificate})
    mounted = [volume.split(":") for volume in SERVICES["edge"]["volumes"]]
    templates = {Path(source).stem for source, target, _ in mounted if "/templates/" in target}
    texts = {name: compose.templated(name, environment) for name in templates}
    (included,) = re.findall(r"^ *include ([\w.-]+);", texts["edge.conf"], re.MULTILINE)
    assert included == ("listen-tls.conf" if certificate else "listen.conf")
    assert included in texts
    assert f'ssl_certificate "/run/tls/{certificate}";' in texts["listen-tls.conf"]


def test_the_edge_speaks_the_versions_of_tls_that_it_speaks_in_up() -> None:
    assert f"\n{TLS_PROTOCOLS}\n" in pages.page("deploy/compose/listen-tls.conf.template")


def test_the_workers_of_the_edge_are_services() -> None:
    servers = re.findall(
        r"server ([\w-]+):(\d+) resolve", pages.page("deploy/compose/edge.conf.template")
    )
    ports = {name: service["command"][-1] for name, service in SERVICES.items() if name in OURS}
    assert {name for name, _ in servers} <= SERVICES.keys()
    assert all(ports[name] == port for name, port in servers if name.startswith("worker"))


def test_users_of_valkey_may_do_what_they_may_in_up() -> None:
    script = pages.page("deploy/compose/valkey-start.sh")
    assert f"~ingest:* &ingest:* {embedded.CONSUMER_COMMANDS}\n" in script
    assert f"~ingest:* &ingest:* {embedded.WORKER_COMMANDS}\n" in script


def test_valkey_is_configured_as_in_up() -> None:
    lines = {
        line for line in pages.page("deploy/compose/valkey.conf").splitlines() if line[:1] != "#"
    }
    ours = {line for line in embedded.CONFIGURATION.splitlines() if "{" not in line}
    different = {"port 0", "unixsocketperm 700", "daemonize no", "always-show-logo no"}
    assert {line for line in ours - different if not line.startswith("user ")} <= lines


def test_the_image_is_built_from_files_that_are_there() -> None:
    sources = re.findall(r"^COPY (?!--from)(\S+) ", pages.page("Dockerfile"), re.MULTILINE)
    assert sources
    assert all((pages.ROOT / source).exists() for source in sources)
    kept = [line[1:] for line in pages.page(".dockerignore").splitlines() if line[:1] == "!"]
    assert all((pages.ROOT / name).exists() for name in kept)
    maturin = re.search(r"maturin==([\d.]+)", pages.page("pyproject.toml"))
    assert maturin
    assert maturin[0] in pages.page("Dockerfile")


@pytest.mark.parametrize("name", ["ci", "wheels"])
def test_workflows_use_verbs_that_exist(name: str) -> None:
    text = pages.page(f".github/workflows/{name}.yml")
    assert yaml.safe_load(text)["jobs"]
    targets = set(re.findall(r"^(\w+):", pages.page("Makefile"), re.MULTILINE))
    assert set(re.findall(r"run: make (\w+)", text)) <= targets
