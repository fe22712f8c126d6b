"""Rejected cells are mended on a page, alike ones together, and the import goes on with them."""

from __future__ import annotations

import html
import re
from uuid import UUID

import pytest

from bursar.database import Database
from bursar.importing.applying import run_import
from bursar.importing.runs import record_failure
from bursar.jobs import runner
from tests.api_client import Api
from tests.web.api.conftest import Imports, imports, work_off
from tests.web.pages.conftest import MakeVisitor, Visitor
from tests.web.pages.test_dashboard import plain

__all__ = ["imports", "work_off"]
HEAD = "Department,Sub Category,Fiscal Year,Budget\n"
BAD = HEAD + (
    "Ops,Fuel,FY2025,100\nOps,Tyres,FY2025,tbd\nOps,Oil,FY2025,tbd\nLegal,Books,FY2025,\n"
    "Legal,Court,when?,tbd\n=2+3,Line,FY2025,<b>x</b>\n"
)


def cells(visitor: Visitor, import_id: str) -> dict[tuple[str, str], str]:
    """The field of each cell that the page offers, by its column and what it says."""
    page = visitor.get(f"/imports/{import_id}/mend").text
    found = re.findall(
        r'<th scope="row">([^<]*)</th>\s*<td data-label="Says"><code>([^<]*)</code>'
        r'.*?name="(cell-\w+)"',
        page, re.DOTALL,
    )  # fmt: skip
    return {(column, html.unescape(says)): name for column, says, name in found}


def go_on(
    visitor: Visitor, database: Database, tenant_id: UUID, api: Api, import_id: str, **typed: str
) -> str:
    """Send what was typed, let a worker do it, and show the import then."""
    sent = visitor.send(f"/imports/{import_id}/mend", seen="/budgets", **typed)
    assert sent.status_code == 303, plain(sent.text)
    job = UUID(api.get("/jobs").get_json()["data"][0]["id"])
    runner.run(database, tenant_id, job, run_import, record_failure)
    return plain(visitor.get(sent.location).text)


def test_cells_that_are_alike_are_mended_once(
    visitor: Visitor, api: Api, imports: Imports, database: Database, tenant_id: UUID
) -> None:
    run = imports.send(BAD.encode(), mode="skip_errors")
    assert run["counts"]["rejected"] == 5
    assert "Mend them here" in visitor.get(f"/imports/{run['id']}").text
    offered = cells(visitor, run["id"])
    assert next(iter(offered)) == ("Budget", "tbd")  # most rows first
    assert {("Budget", "(empty)"), ("Fiscal Year", "when?"), ("Budget", "<b>x</b>")} <= set(offered)
    assert "3, 4, 6" in plain(visitor.get(f"/imports/{run['id']}/mend").text)
    typed = {offered["Budget", "tbd"]: "1,250.50", offered["Budget", "(empty)"]: " 7 "}
    go_on(visitor, database, tenant_id, api, run["id"], **typed)
    loaded = imports.budgets()
    assert loaded["Ops", "Tyres"] == loaded["Ops", "Oil"] == "1250.50"
    assert loaded["Legal", "Books"] == "7.00"
    # One of its cells is mended, the other waits.
    left = cells(visitor, run["id"])
    assert ("Fiscal Year", "when?") in left
    assert ("Budget", "tbd") not in left
    typed = {left["Fiscal Year", "when?"]: "FY2025", left["Budget", "<b>x</b>"]: "-3"}
    go_on(visitor, database, tenant_id, api, run["id"], **typed)
    assert imports.budgets()["Legal", "Court"] == "1250.50"
    # What was not mended stays wrong, and is not loaded as a text with an apostrophe.
    (formula,) = cells(visitor, run["id"]).values()
    go_on(visitor, database, tenant_id, api, run["id"], **{formula: "Sums"})
    assert imports.budgets()["Sums", "Line"] == "-3.00"
    assert imports.read(run["id"])["state"] == "completed"
    assert "No row of this import waits" in visitor.get(f"/imports/{run['id']}/mend").text


def test_texts_stay_as_they_are_however_they_begin(
    visitor: Visitor, api: Api, imports: Imports, database: Database, tenant_id: UUID
) -> None:
    content = HEAD + "@Home,Fuel,FY2025,100\n@Home,-Oil,FY2025,tbd\n,Wax,FY2025,1\n"
    run = imports.send(content.encode(), mode="skip_errors")
    offered = cells(visitor, run["id"])
    typed = {offered["Budget", "tbd"]: "5", offered["Department", "(empty)"]: "+Ops"}
    go_on(visitor, database, tenant_id, api, run["id"], **typed)
    named = {("@Home", "Fuel"): "100.00", ("@Home", "-Oil"): "5.00", ("+Ops", "Wax"): "1.00"}
    assert imports.budgets() == named


def test_a_file_that_came_again_is_mended_in_its_first_import(
    visitor: Visitor, api: Api, imports: Imports, database: Database, tenant_id: UUID
) -> None:
    run = imports.send(BAD.encode(), mode="skip_errors")
    again = imports.send(BAD.encode(), mode="skip_errors")
    assert again["duplicate_of"] == run["id"]
    offered = cells(visitor, again["id"])
    assert offered == cells(visitor, run["id"])
    go_on(visitor, database, tenant_id, api, again["id"], **{offered["Budget", "tbd"]: "9"})
    assert imports.budgets()["Ops", "Oil"] == "9.00"


def test_an_import_that_failed_as_a_whole_is_mended_too(
    visitor: Visitor, api: Api, imports: Imports, database: Database, tenant_id: UUID
) -> None:
    content = HEAD + "Ops,Fuel,FY2025,100\nOps,Oil,FY2025,tbd\n"
    run = imports.send(content.encode())
    assert (run["state"], imports.budgets()) == ("failed", {})
    (name,) = cells(visitor, run["id"]).values()
    go_on(visitor, database, tenant_id, api, run["id"], **{name: "5"})
    assert imports.budgets() == {("Ops", "Fuel"): "100.00", ("Ops", "Oil"): "5.00"}


@pytest.mark.parametrize("typed", [{}, {"cell-unknown": "5"}, {"cell-unknown": "a\0b"}])
def test_nothing_typed_is_said_and_nothing_changes(
    visitor: Visitor, imports: Imports, typed: dict[str, str]
) -> None:
    run = imports.send(BAD.encode(), mode="skip_errors")
    refused = visitor.send(f"/imports/{run['id']}/mend", seen="/budgets", **typed)
    assert refused.status_code == 422
    assert "Nothing was changed." in refused.text
    assert imports.read(run["id"])["counts"]["rejected"] == 5


def test_who_may_not_import_mends_nothing(make_visitor: MakeVisitor, imports: Imports) -> None:
    run = imports.send(BAD.encode(), mode="skip_errors")
    auditor = make_visitor("auditor")
    assert "Mend them here" not in auditor.get(f"/imports/{run['id']}").text
    assert auditor.get(f"/imports/{run['id']}/mend").status_code == 403
