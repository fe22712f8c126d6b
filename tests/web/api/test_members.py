"""Members and keys over the API: secrets once, roles by version, and never oneself."""

from __future__ import annotations

from uuid import UUID, uuid4

from bursar.database import Database
from bursar.tenants import find_key, log_in
from tests.api_client import Api, code_of
from tests.conftest import MakeApi


def new(role: str = "fpa") -> dict[str, str]:
    return {"email": f"{uuid4().hex}@api.example", "role": role, "name": "Ana"}


def test_a_member_is_added_changed_and_taken_out(api: Api, database: Database) -> None:
    body = new()
    again = {"headers": {"Idempotency-Key": uuid4().hex}}
    made = api.post("/members", body, **again)
    assert made.status_code == 201
    password = made.get_json()["first_password"]
    path = made.headers["Location"].removeprefix("/api/v1")
    assert log_in(database, body["email"], password).role == "fpa"
    repeated = api.post("/members", body, **again)
    assert repeated.get_json() == {**made.get_json(), "first_password": None}
    assert code_of(api.post("/members", body)) == (409, "duplicate_member")
    assert password not in api.get(path).text + api.get("/members", limit=200).text
    changed = api.patch(path, {"role": "approver"}, 1)
    assert (changed.status_code, changed.get_json()["role"]) == (200, "approver")
    assert code_of(api.patch(path, {"role": "fpa"}, 1)) == (412, "version_stale")
    assert code_of(api.patch(path, {"role": "fpa"}, None)) == (428, "version_required")
    assert code_of(api.patch(path, {"role": "king"}, 2)) == (422, "invalid_input")
    assert api.call("DELETE", path).status_code == 204
    assert code_of(api.call("DELETE", path)) == (404, "not_found")
    assert api.get(path).get_json()["left_at"] is not None
    assert body["email"] in api.get("/members", gone=True, limit=200).text


def test_a_key_is_shown_once_and_withdrawn(api: Api, database: Database, tenant_id: UUID) -> None:
    again = {"headers": {"Idempotency-Key": uuid4().hex}}
    body = {"name": "Till", "expires_at": "2999-01-01T00:00:00Z"}
    made = api.post("/keys", body, **again).get_json()
    assert find_key(database, made["key"]).tenant_id == tenant_id
    assert (made["hint"], made["role"]) == (made["key"][-4:], "service")
    assert api.post("/keys", body, **again).get_json()["key"] is None
    path = f"/keys/{made['id']}"
    shown = api.get(path).get_json()
    assert (shown.get("key"), shown["state"], shown["name"]) == (None, "active", "Till")
    assert made["key"] not in api.get("/keys").text
    for _ in range(2):
        assert api.call("DELETE", path).status_code == 204
    assert api.get(path).get_json()["state"] == "withdrawn"
    past = api.post("/keys", {"name": "x", "expires_at": "2020-01-01T00:00:00Z"})
    assert code_of(past) == (422, "invalid_input")
    assert code_of(api.post("/keys", {"name": ""})) == (422, "invalid_input")


def test_only_who_administers_may(make_api: MakeApi) -> None:
    fpa = make_api("fpa")
    for path in ("/members", "/keys"):
        assert code_of(fpa.get(path)) == (403, "forbidden")
        assert code_of(fpa.post(path, {"name": "x", "role": "admin"})) == (403, "forbidden")
