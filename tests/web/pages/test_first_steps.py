"""The first steps of a new organisation, its example workbook, and lists with nothing in them."""

from __future__ import annotations

import re
from io import BytesIO
from uuid import UUID

import pytest

from bursar.database import Database
from bursar.importing.applying import run_import
from bursar.importing.runs import get_run, record_failure
from bursar.jobs import runner
from bursar.members import add_member
from tests.api_client import Api
from tests.web.pages.conftest import MakeVisitor, Visitor


def done(page: str) -> str:
    found = re.search(r"(\d of \d) done", page)
    return found[1] if found else ""


def test_steps_are_ticked_off_and_go_when_all_are_done(
    visitor: Visitor, database: Database, tenant_id: UUID
) -> None:
    page = visitor.get("/").text
    assert done(page) == "0 of 4"
    for path in ("/imports/new", "/settings/members", "/settings/rules", "/settings/keys"):
        assert f'href="{path}"' in page
        assert visitor.get(path).status_code == 200
    with database.transaction(tenant_id, "test") as session:
        add_member(session, tenant_id, "second@steps.example", "member")
    assert done(visitor.get("/").text) == "1 of 4"
    rule = {"name": "Small", "amount": "100", "covers": "checks", "currency": "", "department": ""}
    assert visitor.send("/settings/rules", seen="/", **rule).status_code == 303
    assert done(visitor.get("/").text) == "2 of 4"
    key = {"name": "ERP", "role": "service", "expires_at": ""}
    assert visitor.send("/settings/keys", seen="/", **key).status_code == 200
    assert done(visitor.get("/").text) == "3 of 4"
    review = visitor.upload(b"Department,Year,Budget\nOps,FY2026,5\n").location
    run_page = visitor.send(review, seen=review, then="import").location
    api_run = UUID(run_page.rsplit("/", 1)[-1])
    with database.transaction(tenant_id) as session:
        job_id = get_run(session, api_run).job_id
    assert job_id is not None
    runner.run(database, tenant_id, job_id, run_import, record_failure)
    assert "First steps" not in visitor.get("/").text


def test_they_are_put_away_for_good(visitor: Visitor) -> None:
    assert visitor.send("/first-steps/dismiss", seen="/").location == "/"
    assert "The first steps are put away." in visitor.get("/").text
    assert "First steps" not in visitor.get("/").text


@pytest.mark.parametrize("role", ["fpa", "approver", "member", "auditor"])
def test_only_administrators_see_them(make_visitor: MakeVisitor, role: str) -> None:
    other = make_visitor(role)
    assert "First steps" not in other.get("/").text
    assert other.send("/first-steps/dismiss", seen="/").status_code == 403


def test_the_example_workbook_is_imported_without_a_question(visitor: Visitor, api: Api) -> None:
    assert 'href="/imports/example.xlsx"' in visitor.get("/imports/new").text
    example = visitor.get("/imports/example.xlsx")
    assert example.headers["Content-Disposition"].endswith("bursar-example-budget.xlsx")
    found = api.call(
        "POST", "/imports/analyze", data={"file": (BytesIO(example.data), "mine.xlsx")}
    ).get_json()
    assert (found["detection"]["kind"], found["missing_required"]) == ("budget", [])
    assert found["questions"] == []
    assert [column["target"] for column in found["columns"]] == [
        "department", "sub_category", "fiscal_period", "budgeted_amount", "currency", "owner",
        "notes",
    ]  # fmt: skip
    review = visitor.upload(example.data, "mine.xlsx").location
    read = visitor.send(review, seen=review, then="review").text
    assert "120,000.00" in read
    assert visitor.send(review, seen=review, then="import").status_code == 303


NEXT = {
    "/budgets": ("No budgets yet", "/imports/new"),
    "/imports": ("No imports yet", "/imports/new"),
    "/imports/templates": ("Nothing is remembered yet", "/imports/new"),
    "/sources": ("No sources yet", "/sources/new"),
    "/alerts": ("No alerts yet", "/budgets"),
    "/webhooks": ("No webhooks yet", 'id="url"'),
    "/jobs": ("No jobs yet", "/imports/new"),
    "/settings/members?gone=yes": ("Nobody has left yet", "/settings/members"),
    "/settings/keys": ("No keys yet", 'id="name"'),
    "/settings/rules": ("No rules yet", 'id="name"'),
    "/settings/periods": ("No periods yet", "/imports/new"),
}


@pytest.mark.parametrize("path", NEXT)
def test_an_empty_list_says_what_it_is_for_and_what_is_next(visitor: Visitor, path: str) -> None:
    title, following = NEXT[path]
    main = visitor.client.get(path).text.split("<main", 1)[1]
    assert re.search(rf'class="card empty">\s*<h2>{title}</h2>\s*<p[^>]*>\w', main), path
    assert following in main


@pytest.mark.parametrize("path", ["/budgets", "/imports", "/alerts", "/jobs", "/imports/templates"])
def test_who_may_not_go_on_is_told_no_next_step_of_others(
    make_visitor: MakeVisitor, path: str
) -> None:
    page = make_visitor("auditor").get(path).text
    assert 'href="/imports/new"' not in page
    assert 'class="card empty"' in page
