"""Files of the deployment, parsed into plain values."""

import json
import re
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.support.foldstream import ROOT

COMPOSE = ROOT / "docker-compose.yml"
DOCKERFILE = ROOT / "Dockerfile"
PROMETHEUS = ROOT / "deploy" / "prometheus" / "prometheus.yml"
ALERTS = ROOT / "deploy" / "prometheus" / "alerts.yml"
GRAFANA = ROOT / "deploy" / "grafana"
DASHBOARD = GRAFANA / "dashboards" / "foldstream.json"

RATE_INTERVAL = "20s"
"""Smallest value that Grafana substitutes for `$__rate_interval` at a scrape interval of 5 s."""


def yaml(path: Path) -> Any:  # noqa: ANN401 (a file's content)
    """Parse a YAML file."""
    return YAML(typ="safe").load(path)


def services() -> dict[str, Any]:
    """Return the services of the compose file, by name."""
    found: dict[str, Any] = yaml(COMPOSE)["services"]
    return found


def own() -> dict[str, Any]:
    """Return the services that run Foldstream's image."""
    return {name: service for name, service in services().items() if "build" in service}


def workers() -> dict[str, Any]:
    """Return the services that are workers."""
    return {name: service for name, service in own().items() if service["command"] == ["worker"]}


def instruction(name: str) -> list[str]:
    """Return the words of the last such instruction of the Dockerfile, in its JSON form, without options."""
    joined = DOCKERFILE.read_text(encoding="utf-8").replace("\\\n", " ")
    words: list[str] = json.loads(re.findall(rf"^{name} [^\[]*(\[.*\])$", joined, re.MULTILINE)[-1])
    return words


def panels() -> list[Any]:
    """Return the panels of the dashboard."""
    found: list[Any] = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    return found


def queries() -> set[str]:
    """Return each expression of the dashboard as Grafana would send it, and the left side of each alert's comparison."""
    shown = {target["expr"].replace("$__rate_interval", RATE_INTERVAL) for panel in panels() for target in panel["targets"]}
    return shown | {re.split(r" [=<>]+ [\d.]+$", alert["expr"])[0] for alert in alerts()}


def alerts() -> list[Any]:
    """Return all alert rules."""
    return [rule for group in yaml(ALERTS)["groups"] for rule in group["rules"]]
