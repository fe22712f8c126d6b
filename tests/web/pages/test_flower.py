"""Flower behind our log-in: who may see it, and what of a request and an answer goes through."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import UUID

import pytest
from flask import Flask

from bursar.config import settings
from bursar.database import Database
from bursar.tenants import create_tenant
from tests.api_client import Api, code_of
from tests.conftest import MakeApi
from tests.web.pages.conftest import MakeVisitor, Visitor

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


class Echo(BaseHTTPRequestHandler):
    """A server in Flower's place that says what it was asked, and tries what Flower might."""

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        told = {"method": self.command, "path": self.path, "headers": dict(self.headers)}
        answer = json.dumps({**told, "body": body}).encode()
        moved = "moved" in self.path
        self.send_response(302 if moved else 401 if "refused" in self.path else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Set-Cookie", "_xsrf=1; Path=/")
        self.send_header("Connection", "close")
        self.send_header("Content-Security-Policy", "default-src *")
        if moved:
            self.send_header("Location", "https://evil.example/flower/tasks?a=1")
        self.end_headers()
        if "endless" in self.path:
            with suppress(OSError):
                for _ in range(40):
                    self.wfile.write(b"x" * 1024 * 1024)
            return
        self.wfile.write(answer)

    do_POST = do_GET

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def behind() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://bursar:hidden@127.0.0.1:{server.server_port}/flower"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def flower(app: Flask, behind: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(settings(), "flower_url", behind)
    return behind


def test_nobody_gets_in_without_logging_in(app: Flask, flower: str) -> None:
    client = app.test_client()
    for path in ("/flower", "/flower/", "/flower/api/workers", "/flower/static/css/flower.css"):
        assert code_of(client.get(path)) == (401, "unauthenticated")
        page = client.get(path, headers=HTML)
        assert page.status_code == 401
        assert f'name="next" value="{path}"' in page.text
    assert code_of(client.post("/flower/tasks/datatable")) == (401, "unauthenticated")
    wrong = client.get("/flower/", headers={"Authorization": "Basic YnVyc2FyOmhpZGRlbg=="})
    assert code_of(wrong) == (401, "unauthenticated")


def test_only_administrators_get_in(
    flower: str, make_visitor: MakeVisitor, make_api: MakeApi
) -> None:
    for role in ("fpa", "approver", "member", "service", "auditor", "partner"):
        assert make_visitor(role).client.get("/flower/", headers=HTML).status_code == 403, role
        assert "/flower/" not in make_visitor(role).get("/operations").text
    assert make_visitor("admin").get("/flower/").status_code == 200
    assert 'href="/flower/"' in make_visitor("admin").get("/operations").text
    key = {"Authorization": f"Bearer {make_api('admin').key}"}
    client = make_visitor("fpa").client
    client.delete_cookie("bursar")
    assert client.get("/flower/", headers=key).status_code == 200


def test_the_operator_can_name_the_organisations_that_may(
    flower: str, tenant_id: UUID, database: Database, make_visitor: MakeVisitor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(settings(), "operator_tenants", f"someone-else, {tenant_id}")
    assert make_visitor().get("/flower/").status_code == 200
    stranger = make_visitor("admin", create_tenant(database, "Stranger"))
    refused = stranger.client.get("/flower/", headers=HTML)
    assert refused.status_code == 403
    assert "BURSAR_OPERATOR_TENANTS" in refused.text
    assert "/flower/" not in stranger.get("/operations").text


def test_neither_cookies_nor_keys_nor_addresses_reach_flower(flower: str, api: Api) -> None:
    answer = api._client.get(
        "/flower/worker/worker%40host%20one?a=1&a=2",
        headers={"Authorization": f"Bearer {api.key}", "Cookie": "bursar=stolen", "Origin": "null",
                 "X-Forwarded-For": "1.2.3.4", "Connection": "close, X-Secret", "X-Secret": "x",
                 "If-None-Match": '"1"'},
    )  # fmt: skip
    told = answer.get_json()
    assert told["path"] == "/flower/worker/worker@host%20one?a=1&a=2"
    passed = {name.lower() for name in told["headers"]}
    assert passed <= {"host", "accept", "accept-encoding", "connection", "user-agent",
                      "authorization", "if-none-match"}  # fmt: skip
    assert told["headers"]["Authorization"] == "Basic YnVyc2FyOmhpZGRlbg=="
    assert told["headers"]["Host"] in flower


def test_headers_that_are_no_ascii_are_passed_as_they_came(visitor: Visitor, flower: str) -> None:
    for name in ("Accept-Language", "If-None-Match", "Content-Type"):
        answer = visitor.client.get("/flower/workers", headers={name: "Überall"})
        assert answer.status_code == 200
        assert answer.get_json()["headers"][name] == "Überall"


@pytest.mark.parametrize(
    "place",
    ["..", "%2e%2e/x", "..%2f..%2fx", "a/%2e/x", "%252e%252e/x", "..;/x", "@evil.example/", ":80/x",
     "http://evil.example/x", "a%3fb=1", "a%23b", "a%5c..%5cx"],
)  # fmt: skip
def test_no_path_leads_past_flower(visitor: Visitor, flower: str, place: str) -> None:
    answer = visitor.get(f"/flower/{place}")
    if answer.status_code == 404:
        return
    told = answer.get_json()
    assert told["path"].startswith("/flower/")
    assert not {"..", "."} & set(told["path"].split("/"))
    assert "?" not in told["path"]
    assert told["headers"]["Host"] in flower


def test_what_flower_says_about_itself_stays_behind(visitor: Visitor, flower: str) -> None:
    answer = visitor.get("/flower/workers")
    assert "_xsrf" not in answer.headers.get("Set-Cookie", "")
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    assert visitor.get("/flower/moved").location == "/flower/tasks?a=1"
    assert visitor.get("/flower").location == "/flower/"


def test_flower_is_for_looking_only(visitor: Visitor, flower: str) -> None:
    rows = visitor.client.post("/flower/tasks/datatable", data={"draw": "1"})
    assert (rows.get_json()["method"], rows.get_json()["body"]) == ("POST", "draw=1")
    for path in ("worker/shutdown/w", "task/revoke/t", "task/send-task/tick", "task/apply/tick"):
        assert code_of(visitor.client.post(f"/flower/api/{path}")) == (403, "forbidden")
    assert visitor.client.put("/flower/api/workers").status_code == 405
    large = visitor.client.post("/flower/tasks/datatable", data=b"x" * 100_000)
    assert code_of(large) == (413, "too_large")
    assert visitor.get("/flower/a/../../healthcheck").status_code == 404


def test_an_answer_without_end_is_broken_off(visitor: Visitor, flower: str) -> None:
    with pytest.raises(Exception, match="too large"):
        visitor.get("/flower/endless").get_data()


def test_it_says_what_to_do_when_flower_does_not_answer(
    visitor: Visitor, app: Flask, behind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def said(url: str, path: str = "/flower/") -> str:
        monkeypatch.setattr(settings(), "flower_url", url)
        answer = visitor.get(path)
        assert code_of(answer) == (503, "flower_unavailable")
        assert "Retry-After" in answer.headers
        detail: str = answer.get_json()["detail"]
        return detail

    assert "bursar logs flower" in said("http://127.0.0.1:1/flower")
    assert "FLOWER_BASIC_AUTH" in said(behind, "/flower/refused")
    assert "BURSAR_FLOWER_URL" in said("")
    assert "/flower/" not in visitor.get("/operations").text
    page = visitor.client.get("/flower/", headers=HTML)
    assert (page.status_code, page.content_type) == (503, "text/html; charset=utf-8")
