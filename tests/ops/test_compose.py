"""docker-compose.yml is valid, starts what the embedded stack starts, and exposes little."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from ops.stack.processes import Places, processes

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    text = (ROOT / "docker-compose.yml").read_text()
    # As compose itself does: variables give their defaults, and $$ is a dollar sign.
    text = re.sub(r"(?<!\$)\$\{\w+:-([^}]*)\}", r"\1", text).replace("$$", "$")
    parsed = yaml.safe_load(text)
    assert isinstance(parsed, dict)
    return parsed


def test_it_follows_the_compose_specification(compose: dict[str, Any]) -> None:
    schema = json.loads((ROOT / "tests/ops/compose-spec/compose_spec.json").read_text())
    # The specification has since added `name`, which its first schema does not know.
    compose = {key: value for key, value in compose.items() if key != "name"}
    jsonschema.Draft201909Validator(schema).validate(compose)


def test_its_commands_are_those_of_the_embedded_stack(compose: dict[str, Any]) -> None:
    table = processes(
        Places(
            python="python",
            worker_processes=2,
            beat_schedule="/tmp/beat-schedule",
            flower_address="0.0.0.0",
            flower_port=8755,
        )
    )
    assert {one.name: list(one.argv) for one in table} == {
        one.name: compose["services"][one.name]["command"] for one in table
    }


def test_only_web_has_a_port_and_only_on_loopback(compose: dict[str, Any]) -> None:
    ports = {name: one["ports"] for name, one in compose["services"].items() if "ports" in one}
    assert set(ports) == {"web"}
    assert all(port.startswith("127.0.0.1:") for listed in ports.values() for port in listed)


def test_every_service_is_watched_and_what_it_needs_exists(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert service["healthcheck"], name
        assert set(service.get("depends_on", {})) <= set(compose["services"]), name
        assert set(service.get("secrets", [])) <= set(compose["secrets"]), name
        mounted = {volume.partition(":")[0] for volume in service.get("volumes", [])}
        assert mounted <= set(compose["volumes"]), name
        assert service["read_only"] is True, name


def test_the_processes_never_get_an_administrators_secret(compose: dict[str, Any]) -> None:
    for name in ("web", "worker", "beat", "flower"):
        secrets = set(compose["services"][name]["secrets"])
        # Only who passes people on to Flower knows its password.
        assert ("bursar_flower_url" in secrets) == (name == "web")
        assert secrets - {"bursar_flower_url"} == {
            "bursar_database_url", "bursar_broker_url", "bursar_secret_key", "bursar_secrets_key",
        }  # fmt: skip


def test_the_script_makes_every_secret_that_is_mounted(
    compose: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "ops").mkdir()
    script = tmp_path / "ops" / "secrets.sh"
    script.write_text((ROOT / "ops" / "secrets.sh").read_text())
    subprocess.run(["sh", script], check=True, capture_output=True)
    first = {file.name: file.read_text() for file in (tmp_path / "secrets").iterdir()}
    assert set(first) == set(compose["secrets"]) | {"flower.env"}
    login = first["flower.env"].strip().removeprefix("FLOWER_BASIC_AUTH=")
    assert first["bursar_flower_url"] == f"http://{login}@flower:8755/flower\n"
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700

    subprocess.run(["sh", script], check=True, capture_output=True)
    assert first == {file.name: file.read_text() for file in (tmp_path / "secrets").iterdir()}


def test_the_image_does_not_run_as_root() -> None:
    final_stage = (ROOT / "Dockerfile").read_text().rpartition("\nFROM ")[2]
    assert re.search(r"^USER (?!root|0)\w+$", final_stage, re.MULTILINE)
