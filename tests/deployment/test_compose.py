"""The compose file: it is valid, agrees with command line and settings, and opens nothing to the network."""

import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from typer.testing import CliRunner

from app.cli.commands import app
from app.embedded_kafka.pins import KAFKA
from app.settings import Settings, variable
from app.topics.contract import RECORD_BYTES
from tests.conftest import RunningKafka
from tests.support.deployment.stack import COMPOSE, DOCKERFILE, GRAFANA, PROMETHEUS, instruction, own, services, workers, yaml

VARIABLES = [variable(name) for name in Settings.model_fields]


def test_it_is_a_compose_file() -> None:
    check = Path(sys.executable).parent / "check-jsonschema"

    done = subprocess.run([check, "--builtin-schema", "vendor.compose-spec", COMPOSE], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout


def test_every_service_that_another_one_waits_for_is_there() -> None:
    for service in services().values():
        assert set(service.get("depends_on", {})) <= set(services())


@pytest.mark.parametrize("words", [instruction("CMD"), *(service["command"] for service in own().values())], ids=" ".join)
def test_every_command_is_one_of_the_command_line(words: list[str]) -> None:
    assert CliRunner().invoke(app, [*words, "--help"]).exit_code == 0


@pytest.mark.parametrize("name", own())
def test_every_variable_of_foldstream_is_a_setting_with_a_right_value(name: str) -> None:
    environment = own()[name]["environment"]

    assert set(environment) <= set(VARIABLES)
    chosen = Settings(**{key.removeprefix("FOLDSTREAM_").lower(): value for key, value in environment.items()})
    assert urlsplit(f"//{chosen.bootstrap}").hostname in services()


def test_every_variable_in_the_dockerfile_is_a_setting() -> None:
    assert set(re.findall(r"FOLDSTREAM_\w+", DOCKERFILE.read_text(encoding="utf-8"))) <= set(VARIABLES)


def test_topics_are_made_and_used_with_the_same_settings() -> None:
    common = services()["topics"]["environment"]

    for worker in workers().values():
        assert common.items() <= worker["environment"].items()
        assert worker["depends_on"] == {"topics": {"condition": "service_completed_successfully"}}


def test_each_worker_has_a_name_a_disk_and_an_address_of_its_own() -> None:
    for name, worker in workers().items():
        assert worker["environment"]["FOLDSTREAM_WORKER_ID"] == name
        assert worker["environment"]["FOLDSTREAM_ADVERTISED_URL"] == f"http://{name}:6066"
        assert worker["volumes"] == [f"{name}:/data"]
    assert len(workers()) == 2


def test_prometheus_scrapes_every_worker_where_the_others_reach_it() -> None:
    [job] = yaml(PROMETHEUS)["scrape_configs"]
    [group] = job["static_configs"]

    assert group["targets"] == [urlsplit(worker["environment"]["FOLDSTREAM_ADVERTISED_URL"]).netloc for worker in workers().values()]


def test_grafana_asks_the_prometheus_of_the_stack() -> None:
    [source] = yaml(GRAFANA / "provisioning" / "datasources" / "prometheus.yml")["datasources"]

    assert urlsplit(source["url"]).hostname in services()
    assert source["jsonData"]["timeInterval"] == yaml(PROMETHEUS)["global"]["scrape_interval"]


def test_everything_is_published_on_the_loopback_address_only() -> None:
    ports = [port for service in services().values() for port in service.get("ports", [])]

    assert len(set(ports)) == len(ports) == 5
    assert all(port.startswith("127.0.0.1:") for port in ports)


@pytest.mark.parametrize("name", services())
def test_every_service_is_confined(name: str) -> None:
    service = services()[name]

    assert (service["security_opt"], service["cap_drop"]) == (["no-new-privileges:true"], ["ALL"])
    assert service.get("read_only") is (None if name == "kafka" else True)


def test_every_image_is_pinned_by_its_digest() -> None:
    foreign = [service["image"] for service in services().values() if "build" not in service]
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE.read_text(encoding="utf-8"), re.MULTILINE)

    assert all(re.fullmatch(r"[a-z/]+:[\w.-]+@sha256:[0-9a-f]{64}", image) for image in [*foreign, *bases])
    assert len(set(bases)) == 1


async def test_kafka_is_the_embedded_one_s_version_and_knows_every_setting(kafka: RunningKafka) -> None:
    service = services()["kafka"]
    settings = {name.removeprefix("KAFKA_").lower().replace("_", ".") for name in service["environment"] if name.startswith("KAFKA_")}

    assert service["image"].startswith(f"apache/kafka:{KAFKA.rpartition(':')[2]}@")
    assert service["environment"]["KAFKA_MESSAGE_MAX_BYTES"] == RECORD_BYTES
    assert settings <= await _known(kafka.bootstrap)


async def _known(bootstrap: str) -> set[str]:
    """Return the names of all settings of a broker."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        [answer] = await admin.describe_configs([ConfigResource(ConfigResourceType.BROKER, "1")])
        return {entry[0] for *_, entries in answer.resources for entry in entries}
    finally:
        await admin.close()
