"""Sources over the API: secrets go in and never come out, and bad settings are named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr
from sqlalchemy import text

from bursar.config import settings
from bursar.database import Database
from schema.tables import SourceFile
from tests.api_client import Api, code_of
from tests.conftest import MakeApi

CANARY = "canary-of-a-secret"
SFTP = {
    "name": "Nightly",
    "type": "sftp",
    "config": {"host": "files.example.com", "username": "bursar", "path": "/out"},
    "secret": {"password": CANARY},
    "schedule": "02:00",
}


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    made = Fernet.generate_key().decode()
    monkeypatch.setattr(settings(), "secrets_key", SecretStr(made))
    return made


def make(api: Api, **more: Any) -> Any:
    response = api.post("/sources", SFTP | more)
    assert response.status_code == 201, response.text
    return response.get_json()


def test_a_source_is_made_and_read(api: Api) -> None:
    made = make(api, expected_by="0 6 * * 1-5")
    assert made["config"] == SFTP["config"] | {"port": 22, "pattern": "", "host_key": ""}
    assert (made["schedule"], made["has_secret"], made["settle_seconds"]) == ("0 2 * * *", True, 60)
    assert made["next_due_at"] is not None
    assert made["next_expected_at"] is not None
    assert api.get(f"/sources/{made['id']}").get_json() == made
    assert api.get("/sources").get_json()["data"] == [made]
    assert code_of(api.post("/sources", SFTP)) == (409, "duplicate_source")


def test_a_secret_never_comes_out(
    api: Api, database: Database, capfd: pytest.CaptureFixture[str]
) -> None:
    made = make(api)
    answers = [
        api.get("/sources"),
        api.get(f"/sources/{made['id']}"),
        api.post(f"/sources/{made['id']}/test"),
        api.patch(f"/sources/{made['id']}", {"secret": {"password": f"{CANARY}2"}}, 1),
        api.post("/sources", SFTP | {"name": "x", "secret": {"password": [CANARY]}}),
        api.post("/sources", SFTP | {"name": "x", "secret": {"passwort": CANARY}}),
    ]
    assert [response.status_code for response in answers] == [200, 200, 200, 200, 422, 422]
    assert all(CANARY not in response.text for response in answers)
    with database.transaction(None) as session:
        tables = session.execute(
            text(
                "select table_name from information_schema.tables"
                " where table_schema = 'public' and table_type = 'BASE TABLE'"
            )
        ).scalars()
        names = [name for name in tables if name != "app_user"]
    with database.transaction(_tenant(api, database)) as session:
        for name in names:
            found = session.execute(
                text(f"select count(*) from {name} t where cast(t as text) like '%' || :c || '%'"),
                {"c": CANARY},
            ).scalar_one()
            assert found == 0, name
    assert CANARY not in "".join(capfd.readouterr())


def _tenant(api: Api, _database: Database) -> Any:
    from uuid import UUID

    return UUID(hex=api.key.split("_")[1])


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"config": {"username": "x"}}, "/config/host"),
        ({"config": {"host": "a\0b", "username": "x"}}, "/config/host"),
        ({"secret": {"password": "a\0b"}}, "/secret/password"),
        ({"config": SFTP["config"] | {"port": 0}}, "/config/port"),  # type: ignore[operator]
        ({"config": SFTP["config"] | {"passwort": "x"}}, "/config/passwort"),  # type: ignore[operator]
        ({"secret": {"password": "a", "private_key": "b"}}, "/secret"),
        ({"schedule": "whenever"}, "/schedule"),
        ({"expected_by": "60 * * * *"}, "/expected_by"),
        ({"time_zone": "Mars/Olympus"}, "/time_zone"),
        ({"after_action": "tag"}, "/after_action"),
        ({"type": "ftp"}, "/type"),
        ({"name": ""}, "/name"),
    ],
)
def test_bad_settings_are_named(api: Api, change: dict[str, Any], pointer: str) -> None:
    response = api.post("/sources", SFTP | change)
    assert response.status_code == 422
    assert pointer in [error["pointer"] for error in response.get_json()["errors"]]
    assert CANARY not in response.text


def test_a_source_is_changed_by_whoever_saw_its_newest_version(api: Api) -> None:
    made = make(api)
    path = f"/sources/{made['id']}"
    changed = api.patch(path, {"schedule": "*/5 * * * *", "is_active": False}, made["version"])
    assert changed.get_json()["schedule"] == "*/5 * * * *"
    assert changed.get_json()["next_due_at"] is None
    assert code_of(api.patch(path, {"name": "Other"}, made["version"])) == (412, "version_stale")
    assert code_of(api.patch(path, {"name": "Other"}, None)) == (428, "version_required")
    kept = api.patch(path, {"schedule": None}, changed.get_json()["version"]).get_json()
    assert (kept["schedule"], kept["has_secret"]) == (None, True)


@pytest.mark.parametrize(
    "name",
    ["name", "config", "time_zone", "is_active", "drift_policy", "mode", "after_action",
     "stale_policy", "settle_seconds"],
)  # fmt: skip
def test_what_a_source_must_have_is_not_taken_from_it(api: Api, name: str) -> None:
    made = make(api)
    refused = api.patch(f"/sources/{made['id']}", {name: None}, made["version"])
    assert code_of(refused)[0] == 422
    assert api.get(f"/sources/{made['id']}").get_json()["version"] == made["version"]


def test_what_a_source_may_lack_can_be_taken_from_it(api: Api) -> None:
    made = make(api, expected_by="06:00", defaults={"currency": "EUR"})
    nothing = {"schedule": None, "expected_by": None, "defaults": None}
    changed = api.patch(f"/sources/{made['id']}", nothing, made["version"]).get_json()
    assert (changed["schedule"], changed["expected_by"]) == (None, None)
    assert changed["defaults"] == {}


def test_a_secret_does_not_follow_a_source_to_another_host(api: Api) -> None:
    made = make(api)
    path = f"/sources/{made['id']}"
    moved = {"config": {"host": "elsewhere.example.com"}}
    refused = api.patch(path, moved, made["version"])
    assert refused.status_code == 422
    assert refused.get_json()["errors"][0]["code"] == "secret_required"
    accepted = api.patch(path, moved | {"secret": {"password": "new"}}, made["version"])
    assert accepted.get_json()["config"]["host"] == "elsewhere.example.com"


def test_a_deleted_source_is_gone_with_its_secret(api: Api, database: Database) -> None:
    made = make(api)
    assert api.call("DELETE", f"/sources/{made['id']}").status_code == 204
    assert code_of(api.get(f"/sources/{made['id']}")) == (404, "not_found")
    with database.transaction(_tenant(api, database)) as session:
        assert session.execute(text("select count(*) from source_secret")).scalar_one() == 0
    make(api)


def test_a_test_names_the_cause(api: Api) -> None:
    def cause(**config: Any) -> str:
        made = make(api, name=json.dumps(config), config=SFTP["config"] | config)  # type: ignore[operator]
        found = api.post(f"/sources/{made['id']}/test").get_json()
        assert found["ok"] is False
        return str(found["cause"])

    assert cause(host="no-such-host.invalid") == "dns"
    assert cause(host="127.0.0.1") == "host_not_allowed"


def test_without_a_key_secrets_are_not_taken(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings(), "secrets_key", SecretStr(""))
    response = api.post("/sources", SFTP)
    assert code_of(response) == (500, "misconfigured")
    assert api.get("/sources").get_json()["data"] == []


def test_a_run_is_queued_once(api: Api) -> None:
    made = make(api)
    first = api.post(f"/sources/{made['id']}/sync")
    assert first.status_code == 202
    second = api.post(f"/sources/{made['id']}/sync")
    assert second.get_json()["id"] == first.get_json()["id"]
    (run,) = api.get(f"/sources/{made['id']}/runs").get_json()["data"]
    assert (run["trigger"], run["state"]) == ("manual", "queued")
    assert api.get(f"/sources/{made['id']}/files").get_json()["data"] == []
    job = api.get(f"/jobs/{run['job_id']}").get_json()
    assert job["kind"] == "sources.sync"


def test_all_sources_are_paused_and_go_on(api: Api, make_api: MakeApi) -> None:
    assert api.get("/sources/pause").get_json() == {
        "paused": False, "paused_at": None, "paused_by": None, "operator_paused_at": None,
    }  # fmt: skip
    paused = api.post("/sources/pause").get_json()
    assert paused["paused"]
    assert paused["paused_by"] == "an API key"
    assert make_api("auditor").get("/sources/pause").get_json() == paused
    assert api.post("/sources/pause").get_json() == paused, "the first pause stays"
    assert not api.post("/sources/resume").get_json()["paused"]
    assert code_of(make_api("auditor").post("/sources/pause")) == (403, "forbidden")


def test_folders_of_the_machine_want_the_operators_word(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = {"name": "Drop", "type": "folder", "config": {"path": "in"}}
    refused = api.post("/sources", folder)
    assert code_of(refused) == (422, "folder_not_allowed")
    assert "BURSAR_FOLDER_ROOT" in refused.get_json()["detail"]
    monkeypatch.setattr(settings(), "folder_root", f"{tmp_path}/{{tenant}}")
    made = api.post("/sources", folder).get_json()
    assert (made["config"], made["has_secret"]) == ({"path": "in", "pattern": ""}, False)
    tested = api.post(f"/sources/{made['id']}/test").get_json()
    assert (tested["ok"], tested["cause"]) == (False, "path")
    upwards = api.patch(f"/sources/{made['id']}", {"config": {"path": "../x"}}, made["version"])
    assert code_of(upwards) == (422, "invalid_input")
    assert upwards.get_json()["errors"][0]["pointer"] == "/config/path"
    secret = api.post("/sources", folder | {"name": "Other", "secret": {"password": "x"}})
    assert code_of(secret) == (422, "invalid_input")
    tagged = api.post("/sources", folder | {"name": "Other", "after_action": "tag"})
    assert code_of(tagged) == (422, "invalid_input")


def test_a_file_that_failed_is_taken_again(
    api: Api, make_api: MakeApi, database: Database, tenant_id: UUID
) -> None:
    source_id = make(api)["id"]
    file = SourceFile(
        tenant_id=tenant_id, source_id=UUID(source_id), path="/out/a.csv", revision="1",
        state="failed", error={"code": "too_large", "detail": "Too large."},
    )  # fmt: skip
    with database.transaction(tenant_id, "test") as session:
        session.add(file)
    path = f"/sources/{source_id}/files/{file.id}/retake"
    assert code_of(make_api("auditor").post(path)) == (403, "forbidden")
    key = {"Idempotency-Key": "once"}
    taken = api.post(path, headers=key)
    assert (taken.status_code, taken.get_json()["state"]) == (200, "settling")
    assert taken.get_json()["error"] is None
    assert api.post(path, headers=key).get_json() == taken.get_json()
    assert code_of(api.post(path)) == (409, "source_file_not_retakable")
    other = make(api, name="Other")["id"]
    assert code_of(api.post(f"/sources/{other}/files/{file.id}/retake")) == (404, "not_found")
