"""What keeps other sites out: tokens in forms, no word to foreign origins, a strict policy."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from flask import Flask

from tests.web.pages.conftest import Visitor

FOREIGN = "https://evil.example"
_OPEN = ("/api/", "/v1/", "/static/", "/healthz", "/readyz", "/metrics")


def addresses(app: Flask, method: str) -> list[str]:
    """An address of each route that pages use."""
    given = {"uuid": str(uuid4()), "any": "x", "int": "1", "string": "x", "path": "x"}
    return [
        re.sub(r"<(?:(\w+)(?:\([^)]*\))?:)?\w+>", lambda f: given[f[1] or "string"], rule.rule)
        for rule in app.url_map.iter_rules()
        if method in (rule.methods or ()) and not rule.rule.startswith(_OPEN)
    ]


def test_no_form_counts_without_the_token_of_its_page(app: Flask, visitor: Visitor) -> None:
    forms = addresses(app, "POST")
    assert len(forms) > 45
    token = visitor.token("/budgets")
    # The first letter of the signature: bits of the last one may stand for nothing.
    signed, _, signature = token.rpartition(".")
    altered = f"{signed}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"
    for address in forms:
        if address.startswith("/flower"):  # may only be looked at
            assert visitor.client.post(address).status_code in (403, 404, 405), address
            continue
        bare = visitor.client.post(address, data={})
        assert bare.status_code == 400, address
        forged = visitor.client.post(address, data={"csrf_token": altered})
        assert forged.status_code == 400, address


def test_the_token_of_another_session_is_none(app: Flask, visitor: Visitor) -> None:
    other = Visitor(app).token("/login")
    answer = visitor.client.post("/logout", data={"csrf_token": other})
    assert answer.status_code == 400
    assert visitor.get("/budgets").status_code == 200


def test_foreign_origins_are_told_nothing(app: Flask, visitor: Visitor) -> None:
    asked = {"Origin": FOREIGN, "Access-Control-Request-Method": "POST",
             "Access-Control-Request-Headers": "authorization,idempotency-key"}  # fmt: skip
    for rule in app.url_map.iter_rules():
        address = re.sub(r"<[^>]+>", "x", rule.rule)
        answer = visitor.client.options(address, headers=asked)
        shared = [name for name, _ in answer.headers if name.startswith("Access-Control")]
        assert shared == [], address
    for address in ("/", "/budgets", "/api/v1/me", "/healthz", "/api/openapi.json"):
        answer = visitor.client.get(address, headers={"Origin": FOREIGN})
        assert "Access-Control-Allow-Origin" not in answer.headers, address


def test_a_cookie_opens_no_door_of_the_api(visitor: Visitor) -> None:
    assert visitor.get("/budgets").status_code == 200
    assert visitor.get("/api/v1/budgets").status_code == 401
    assert visitor.client.post("/api/v1/budgets", json={}).status_code == 401


@pytest.mark.parametrize("path", ["/", "/budgets", "/login", "/nowhere", "/api/docs", "/api/v1/me"])
def test_the_policy_lets_nothing_in_from_elsewhere(visitor: Visitor, path: str) -> None:
    headers = visitor.get(path).headers
    parts = [part.strip().partition(" ") for part in headers["Content-Security-Policy"].split(";")]
    policy = {name: set(sources.split()) for name, _, sources in parts}
    allowed = {"'self'", "'none'", "data:"}
    assert {source for sources in policy.values() for source in sources} <= allowed
    assert policy["default-src"] <= {"'self'", "'none'"}
    assert policy["script-src"] == {"'self'"}
    assert policy["style-src"] == {"'self'"}
    assert policy["frame-ancestors"] == {"'none'"}
    assert policy["form-action"] == {"'self'"}
    assert policy["base-uri"] <= {"'self'", "'none'"}
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"


def test_the_cookie_is_kept_from_scripts_and_other_sites(visitor: Visitor) -> None:
    cookie = visitor.client.get_cookie("bursar")
    assert cookie is not None
    assert cookie.http_only
    assert cookie.same_site == "Lax"
