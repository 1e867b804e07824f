"""What watches an installation: the scrape, the alerts and the dashboards fit each other and us."""

from __future__ import annotations

import json
import re
import runpy
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from ingest import metrics

from tests.docs import compose, pages

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = pages.ROOT / "deploy" / "monitoring"
RENDERER = runpy.run_path(str(FOLDER / "render_dashboards.py"))
DASHBOARDS = ("worker-health.json", "api.json")
RULES = yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"][0]["rules"]
SCRAPE = yaml.safe_load((FOLDER / "prometheus.yml").read_text())["scrape_configs"][0]
METRIC = re.compile(r"\bingest_\w+")
PARTS = ("_bucket", "_sum", "_count")

each_dashboard = pytest.mark.parametrize("name", DASHBOARDS)


def dashboard(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((FOLDER / name).read_text())
    return loaded


def expressions() -> Iterator[str]:
    yield from (rule["expr"] for rule in RULES)
    for name in DASHBOARDS:
        for panel in dashboard(name)["panels"]:
            yield from (target["expr"] for target in panel["targets"])


def mounted(service: str) -> dict[str, str]:
    """Give the target of each file that a service mounts."""
    volumes = [volume.split(":") for volume in compose.SERVICES[service]["volumes"]]
    return {source.removeprefix("./"): target for source, target, *_ in volumes}


@pytest.mark.parametrize("expression", sorted(set(expressions())))
def test_each_metric_is_one_of_ours(expression: str) -> None:
    known = {about.name for about in metrics.table()}
    histograms = {about.name for about in metrics.table() if about.kind == "histogram"}
    known |= {name + part for name in histograms for part in PARTS}
    assert set(METRIC.findall(expression)) <= known - histograms


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_each_alert_says_how_bad_it_is_and_where_to_read(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert rule["annotations"]["summary"]
    page, _, anchor = rule["annotations"]["runbook"].partition("#")
    assert anchor == rule["alert"].lower()
    assert anchor in pages.anchors(pages.ROOT / page)


def test_the_page_has_the_alerts_and_no_other() -> None:
    headings = re.findall(r"^## (\w+)$", pages.page("docs/alerts.md"), re.MULTILINE)
    assert headings == list(dict.fromkeys(rule["alert"] for rule in RULES))


def test_the_page_says_how_bad_each_is_and_how_long_it_takes() -> None:
    sections = pages.page("docs/alerts.md").split("\n## ")[1:]
    for rule in RULES:
        (text,) = [part for part in sections if part.startswith(rule["alert"] + "\n")]
        assert rule["labels"]["severity"] in text.lower()
        if "for" in rule:
            number, unit = re.fullmatch(r"(\d+)([mh])", rule["for"]).groups()  # type: ignore[union-attr]
            assert f"{number} {'minute' if unit == 'm' else 'hour'}" in text


@each_dashboard
def test_a_dashboard_is_the_one_that_its_source_writes(name: str) -> None:
    assert (FOLDER / name).read_text() == RENDERER["text"](name)


@each_dashboard
def test_its_panels_ask_the_provisioned_source_and_lie_side_by_side(name: str) -> None:
    (source,) = yaml.safe_load((FOLDER / "datasource.yml").read_text())["datasources"]
    taken: set[tuple[int, int]] = set()
    for panel in dashboard(name)["panels"]:
        assert panel["datasource"] == {"type": source["type"], "uid": source["uid"]}
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & taken
        assert max(x for x, _ in cells) < 24
        taken |= cells


def test_titles_are_told_apart() -> None:
    assert dashboard(DASHBOARDS[0])["uid"] != dashboard(DASHBOARDS[1])["uid"]
    for name in DASHBOARDS:
        panels = [(panel["type"], panel["title"]) for panel in dashboard(name)["panels"]]
        assert len(set(panels)) == len(panels)


def test_grafana_finds_what_is_mounted() -> None:
    targets = mounted("grafana")
    provider = yaml.safe_load((FOLDER / "dashboards.yml").read_text())["providers"][0]
    shown = [targets[f"deploy/monitoring/{name}"] for name in DASHBOARDS]
    assert {path.rpartition("/")[0] for path in shown} == {provider["options"]["path"]}
    home = compose.SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert home in shown
    (source,) = yaml.safe_load((FOLDER / "datasource.yml").read_text())["datasources"]
    assert source["url"] == "http://prometheus:9090"


def test_prometheus_asks_admin_by_a_name_that_it_knows_with_the_mounted_token() -> None:
    (static,) = SCRAPE["static_configs"]
    environment = compose.SERVICES["admin"]["environment"]
    assert static["targets"] == environment["INGEST_ADMIN_HOSTS"].split()
    (secret,) = compose.SERVICES["prometheus"]["secrets"]
    assert SCRAPE["authorization"] == {"credentials_file": f"/run/secrets/{secret}"}


def test_grafana_lets_nobody_in_and_calls_nobody() -> None:
    environment = compose.SERVICES["grafana"]["environment"]
    assert environment["GF_AUTH_ANONYMOUS_ENABLED"] == "false"
    assert environment["GF_SECURITY_ADMIN_PASSWORD"].startswith("${GRAFANA_PASSWORD:?")
    off = ("REPORTING_ENABLED", "CHECK_FOR_UPDATES", "CHECK_FOR_PLUGIN_UPDATES")
    assert {environment[f"GF_ANALYTICS_{name}"] for name in off} == {"false"}
    assert environment["GF_PLUGINS_PREINSTALL_DISABLED"] == "true"
