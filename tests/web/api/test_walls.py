"""Every route: nobody without a key, nobody else's rows, and no role beyond its rights."""

import io
from typing import Any
from uuid import UUID, uuid4

import pytest
from cryptography.fernet import Fernet
from flask import Flask
from pydantic import SecretStr

from bursar.config import settings
from bursar.database import Database
from bursar.tenants import create_tenant
from tests.api_client import Api, code_of
from tests.conftest import MakeApi, MakeBudget
from web.auth import PERMISSIONS

OPEN = {"/healthz", "/readyz", "/login", "/logout", "/api/openapi.json", "/api/docs",
        "/api/docs/<section>", "/static/<path:filename>",
        "/static/pages.css"}  # fmt: skip


def routes(app: Flask) -> list[tuple[str, str]]:
    return sorted(
        (rule.rule, method)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    )


def filled(rule: str, value: str) -> str:
    while "<" in rule:
        start, end = rule.index("<"), rule.index(">")
        rule = rule[:start] + value + rule[end + 1 :]
    return rule


def test_every_route_says_what_it_needs(app: Flask) -> None:
    unmarked = {
        rule.rule
        for rule in app.url_map.iter_rules()
        if not hasattr(app.view_functions[rule.endpoint], "__permission__")
    }
    assert unmarked - OPEN == set()


def test_without_a_key_every_route_but_the_open_ones_refuses(app: Flask) -> None:
    client = app.test_client()
    for rule, method in routes(app):
        if rule in OPEN:
            continue
        response = client.open(filled(rule, str(uuid4())), method=method)
        if rule.startswith(("/api", "/v1", "/metrics", "/flower")):
            assert code_of(response) == (401, "unauthenticated"), (rule, method)
        elif method == "GET":
            assert response.status_code == 302, (rule, method)
            assert response.headers["Location"].startswith("/login"), (rule, method)
        else:  # no page takes a form without its token
            assert response.status_code in {400, 401}, (rule, method)


@pytest.mark.parametrize("key", ["x", "bursar_" + "0" * 32 + "_" + "A" * 43, "Bearer", "é" * 9])
def test_a_wrong_key_is_refused(app: Flask, key: str) -> None:
    headers = {"Authorization": f"Bearer {key}"}
    response = app.test_client().get("/api/v1/budgets", headers=headers)
    assert code_of(response) == (401, "unauthenticated")


@pytest.fixture
def theirs(api: Api, make_budget: MakeBudget, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Ids of the first tenant's objects, one of each kind."""
    budget = make_budget("1000")
    over = {"amount": "5000", "currency": "USD", "ref_id": "over"}
    api.post(f"/budgets/{budget}/reservations", over)
    held = {"amount": "10", "currency": "USD", "ref_id": f"their-{uuid4()}"}
    assert api.post(f"/budgets/{budget}/reservations", held).status_code == 201
    started = api.upload("/imports", b"Department,Budget,Year\nOps,5,FY2025\n").get_json()
    made = api.post("/mapping-templates", {"headers": ["A"], "mapping": {"A": "department"}})
    monkeypatch.setattr(settings(), "secrets_key", SecretStr(Fernet.generate_key().decode()))
    source = {"name": "S", "type": "s3", "config": {"bucket": "b"}}
    hook = api.post("/webhooks", {"url": "https://example.invalid/"}).get_json()
    alert = api.get("/alerts").get_json()["data"][0]
    other = make_budget("5", sub_category="Other")
    api.post("/approval-rules", RULE | {"auto_approve_up_to": "0", "covers": "transfers"})
    moved = {"from": str(budget), "to": str(other), "amount": "1", "reason": "x"}
    asked = api.post("/transfers", moved).get_json()
    return {
        "budget_id": str(budget),
        "code": "FY2025",
        "ref_id": held["ref_id"],
        "import_id": started["id"],
        "job_id": started["job_id"],
        "alert_id": alert["id"],
        "webhook_id": hook["id"],
        "delivery_id": api.post(f"/webhooks/{hook['id']}/test").get_json()["id"],
        "source_id": api.post("/sources", source).get_json()["id"],
        "template_id": made.get_json()["id"],
        "rule_id": api.post("/approval-rules", RULE).get_json()["id"],
        "request_id": asked["id"],
        "decision_id": api.post("/budgets/check", CHECK).get_json()["decision_id"],
        "member_id": api.post("/members", MEMBER).get_json()["id"],
        "key_id": api.get("/keys").get_json()["data"][0]["id"],
    }


RULE = {"name": "R", "auto_approve_up_to": "100"}
MEMBER = {"email": "ana@walls.example", "role": "member"}
CHECK = {"department": "Engineering", "fiscal_period": "FY2025", "amount": "1"}
# What each kind of object lets itself be called by.
_FIELD = {"webhook_id": "description"}

BODIES: dict[str, Any] = {
    "reservations": {"amount": "1", "currency": "USD", "ref_id": "x"},
    "topup": {"amount": "1", "currency": "USD"},
    "charge": {},
    "release": {},
    "refund": {"reason": "x"},
    "charges": {"amount": "1", "currency": "USD", "ref_id": "x"},
    "reverse": {"reason": "x"},
    "recurrence": {"period_type": "monthly"},
    "reset": {},
    "close": {"rollover": "reset"},
    "approve": {},
    "reject": {},
    "fix-discrepancy": {"reason": "x"},
}


def test_another_tenant_s_ids_do_not_exist_on_any_route(
    app: Flask, database: Database, make_api: MakeApi, theirs: dict[str, str]
) -> None:
    stranger = make_api("admin", create_tenant(database, "Stranger"))
    tried = 0
    for rule, method in routes(app):
        if not rule.startswith("/api/v1/") or "<" not in rule:
            continue
        name = rule[rule.index("<") + 1 : rule.index(">")].split(":")[-1]
        answers = []
        for value in (theirs[name], str(uuid4())):
            path = filled(rule, value).removeprefix("/api/v1")
            body = BODIES.get(rule.rsplit("/", 1)[-1])
            if method == "PATCH" and rule.endswith("/control"):
                response = stranger.patch(path, {"control_mode": "none"}, 1)
            elif method == "PATCH" and name == "member_id":
                response = stranger.patch(path, {"role": "member"}, 1)
            elif method == "PATCH":
                response = stranger.patch(path, {_FIELD.get(name, "name"): "mine"}, 1)
            else:
                response = stranger.call(
                    method, path, **({"json": body} if body is not None else {})
                )
            assert code_of(response) == (404, "not_found"), (rule, method, response.text)
            answers.append({**response.get_json(), "request_id": "", "type": ""})
        assert answers[0] == answers[1], rule
        tried += 1
    assert tried >= 20


def test_another_tenant_s_file_cannot_be_named(
    database: Database, make_api: MakeApi, api: Api
) -> None:
    file_id = api.upload("/imports/analyze", b"Department,Budget\nOps,5\n").get_json()["file_id"]
    stranger = make_api("admin", create_tenant(database, "Stranger"))
    for path in ("/imports", "/imports/analyze"):
        assert code_of(stranger.post(path, {"file_id": file_id})) == (404, "not_found")


def test_lists_show_only_ones_own(
    database: Database, make_api: MakeApi, theirs: dict[str, str]
) -> None:
    stranger = make_api("admin", create_tenant(database, "Stranger"))
    for path in ("/budgets", "/imports", "/jobs", "/alerts", "/mapping-templates"):
        assert stranger.get(path).get_json()["data"] == []


def test_roles_reach_exactly_what_their_permissions_say(app: Flask, make_api: MakeApi) -> None:
    """Not by repeating the table: each route is called, and only 403 means refused."""
    keys = {role: make_api(role) for role in PERMISSIONS}
    for rule, method in routes(app):
        if not rule.startswith("/api/v1/"):
            continue
        view = app.view_functions[next(
            r.endpoint for r in app.url_map.iter_rules()
            if r.rule == rule and method in (r.methods or ())
        )]  # fmt: skip
        permission = view.__permission__
        for role, api in keys.items():
            path = filled(rule, str(uuid4())).removeprefix("/api/v1")
            body = BODIES.get(rule.rsplit("/", 1)[-1], {})
            response = api.call(method, path, json=body)
            refused = response.status_code == 403
            assert refused == (permission not in PERMISSIONS[role]), (rule, method, role)


def test_the_auditor_changes_nothing(make_api: MakeApi, make_budget: MakeBudget) -> None:
    auditor = make_api("auditor")
    budget: UUID = make_budget("10")
    assert auditor.get(f"/budgets/{budget}").status_code == 200
    for path, body in (
        (f"/budgets/{budget}/reservations", BODIES["reservations"]),
        (f"/budgets/{budget}/topup", BODIES["topup"]),
        ("/budgets/check", {"department": "x", "fiscal_period": "FY2025", "amount": 1}),
    ):
        assert code_of(auditor.post(path, body)) == (403, "forbidden")
    upload = {"file": (io.BytesIO(b"x"), "x.csv")}
    assert auditor.call("POST", "/imports", data=upload).status_code == 403
