"""What the dashboard and a budget's page show, and to whom."""

import re
from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from bursar.database import Database
from bursar.telling import tell_noted
from bursar.tenants import create_tenant
from tests.api_client import Api
from tests.conftest import MakeBudget
from tests.web.pages.conftest import MakeVisitor, Visitor
from web.problems import STATUS


def plain(html: str) -> str:
    """The text of a page, blanks made even."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).replace("\u00a0", " ")


def test_an_empty_dashboard_says_what_to_do_first(
    visitor: Visitor, make_visitor: MakeVisitor
) -> None:
    assert "Import your first budget file" in visitor.get("/").text
    assert "Somebody whose role may import" in make_visitor("member").get("/").text


def test_numbers_on_the_pages_are_those_of_the_api(
    visitor: Visitor, api: Api, make_budget: MakeBudget
) -> None:
    budget = make_budget("12345.6")
    make_budget("1000", "ZWG", sub_category="Fuel")
    held = {"amount": "10500", "currency": "USD", "ref_id": "PO-7"}
    assert api.post(f"/budgets/{budget}/reservations", held).status_code == 201
    shown = api.get(f"/budgets/{budget}").get_json()
    for page in ("/", f"/budgets/{budget}"):
        text = plain(visitor.get(page).text).replace(",", "")
        for name in ("budgeted_amount", "reserved", "available"):
            assert re.search(rf"{re.escape(shown[name])} +USD", text), (page, name)
        assert "85 % used soft cap passed" in text
    assert re.search(r"1000.00 +ZWG", plain(visitor.get("/").text).replace(",", ""))
    ledger = plain(visitor.get(f"/budgets/{budget}").text)
    assert re.search(r"available → reserved 10,500.00 +USD PO-7 An API key", ledger)


def test_filters_narrow_budgets_and_their_sums(visitor: Visitor, make_budget: MakeBudget) -> None:
    make_budget("100", department="Engineering", sub_category="Tools")
    make_budget("200", department="Legal", sub_category="Counsel")
    text = plain(visitor.get("/", department="legal").text)
    assert "200.00" in text
    assert "100.00" not in text
    assert "Tools" not in text
    assert "1 budget found" in text
    assert "Nothing matches" in visitor.get("/", q="nowhere to be found").text


def test_a_long_list_goes_on_on_the_next_page(visitor: Visitor, make_budget: MakeBudget) -> None:
    for i in range(26):
        make_budget("1", department="Ops", sub_category=f"Item {i:02}")
    first = visitor.get("/", department="Ops").text
    following = re.search(r'href="([^"]+)" rel="next"', first)
    assert following is not None
    second = visitor.client.get(following[1].replace("&amp;", "&")).text
    rows = [set(re.findall(r">(Item \d\d)</td>", html)) for html in (first, second)]
    assert (len(rows[0]), len(rows[1]), rows[0] & rows[1]) == (25, 1, set())


def test_markup_in_names_is_inert(visitor: Visitor, make_budget: MakeBudget) -> None:
    script = "<script>alert('x')</script>"
    budget = make_budget("5", department=script, sub_category='"><img src=x onerror=alert(1)>')
    for page in ("/", f"/budgets/{budget}"):
        html = visitor.get(page).text
        assert script not in html
        assert "<img" not in html
        assert "&lt;script&gt;" in html


def test_alerts_are_shown_and_seen_to(
    visitor: Visitor, api: Api, make_budget: MakeBudget, database: Database, tenant_id: UUID
) -> None:
    budget = make_budget("100")
    api.post(f"/budgets/{budget}/reservations", {"amount": "96", "currency": "USD", "ref_id": "r"})
    with database.transaction(tenant_id, "test") as session:
        tell_noted(session, tenant_id)
    alert: dict[str, Any] = api.get("/alerts").get_json()["data"][0]
    assert "close to its hard cap" in visitor.get("/").text
    answer = visitor.send(f"/alerts/{alert['id']}/resolve", seen="/", next=f"/budgets/{budget}")
    assert answer.location == f"/budgets/{budget}"
    assert "close to its hard cap. <" not in visitor.get("/").text
    assert api.get("/alerts", state="open").get_json()["data"] == []


def test_what_belongs_to_others_is_not_found(
    make_visitor: MakeVisitor, database: Database, api: Api, make_budget: MakeBudget
) -> None:
    budget = make_budget("77777")
    started = api.upload("/imports", b"Department,Budget,Year\nOps,5,FY2025\n").get_json()
    file_id = api.get(f"/imports/{started['id']}").get_json()["file_id"]
    stranger = make_visitor("admin", create_tenant(database, "Stranger"))
    for path in (
        f"/budgets/{budget}",
        f"/imports/{started['id']}",
        f"/imports/{started['id']}/progress",
        f"/imports/{started['id']}/rejected",
        f"/imports/files/{file_id}",
    ):
        answer = stranger.get(path)
        assert answer.status_code == 404, path
        assert "What to do:" in answer.text
    for path in (
        f"/imports/{started['id']}/apply",
        f"/imports/{started['id']}/cancel",
        f"/imports/files/{file_id}",
        f"/jobs/{started['job_id']}/cancel",
        f"/jobs/{started['job_id']}/retry",
    ):
        assert stranger.send(path, seen="/").status_code == 404, path
    assert "77,777" not in stranger.get("/").text


@pytest.mark.parametrize("role", ["auditor", "member", "partner"])
def test_roles_see_no_button_that_they_may_not_press(
    make_visitor: MakeVisitor, make_budget: MakeBudget, role: str
) -> None:
    make_budget("1")
    visitor = make_visitor(role)
    assert visitor.get("/imports/new").status_code == 403
    assert visitor.get("/").status_code == (403 if role == "partner" else 200)
    assert 'href="/imports/new"' not in visitor.get("/").text


def test_the_api_s_description_names_every_error_and_route(app: Flask) -> None:
    page = app.test_client().get("/api/docs")
    assert page.status_code == 200
    codes = {cls.code for cls in STATUS}
    assert codes <= set(re.findall(r'id="error-([a-z_]+)"', page.text))
    for path in app.extensions["bursar_openapi"]()["paths"]:
        assert f"<code>{path}</code>" in page.text


def test_no_page_carries_script_or_style_of_its_own(
    visitor: Visitor, make_budget: MakeBudget
) -> None:
    budget = make_budget("5")
    for path in ("/", f"/budgets/{budget}", "/imports", "/imports/new", "/jobs", "/api/docs"):
        html = visitor.get(path).text
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=\"/static/)", html)
        assert not re.search(r'(?:src|href|action)="(?:https?:)?//', html)
        assert html.count("<h1") == 1
