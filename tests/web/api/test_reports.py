"""Reports over the API: spans in the tenant's own time, sums by currency, inert files."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
import python_calamine

from bursar.database import Database
from bursar.tenants import create_tenant
from tests.api_client import Api, code_of
from tests.conftest import MakeApi, MakeBudget

TODAY = datetime.now(UTC).date()


def use(api: Api, budget: object, amount: str, charge: str | None = None) -> None:
    ref = uuid4().hex
    body = {"amount": amount, "currency": "USD", "ref_id": ref}
    assert api.post(f"/budgets/{budget}/reservations", body).status_code == 201
    if charge:
        assert api.post(f"/reservations/{ref}/charge", {"amount": charge}).status_code == 200


def table(response: Any) -> list[dict[str, str]]:
    assert response.mimetype == "text/csv", response.text
    return list(csv.DictReader(io.StringIO(response.data.decode("utf-8-sig"), newline="")))


def test_a_budget_report_equals_what_was_done(api: Api, make_budget: MakeBudget) -> None:
    budget = make_budget("1000")
    use(api, budget, "300", charge="120.50")
    found = api.get(f"/budgets/{budget}/report", range="today").get_json()
    assert found["range"]["name"] == "today"
    assert found["opening"]["budgeted_amount"] == "0.00"
    assert found["closing"] == {
        "budgeted_amount": "1000.00", "reserved": "179.50", "committed": "0.00",
        "spent": "120.50", "balance": "300.00", "available": "700.00",
    }  # fmt: skip
    assert (found["utilization_percent"], found["entries"]) == ("30.00", 3)
    assert found["by_kind"]["charge"] == {
        "entries": 1, "amount": "120.50", "delta_budgeted": "0.00", "delta_used": "0.00",
    }  # fmt: skip


def test_a_tenant_report_has_all_budgets_and_their_sums(api: Api, make_budget: MakeBudget) -> None:
    budgets = [str(make_budget("1000", department=f"D{n}")) for n in range(3)]
    make_budget("500", currency="ZWG")
    use(api, budgets[0], "10")
    use(api, budgets[1], "20.25", charge="5")
    found = api.get("/reports/tenant", range="month").get_json()
    assert len(found["data"]) == 4
    totals = {one["currency"]: one for one in found["totals"]}
    assert (totals["USD"]["budgets"], totals["ZWG"]["budgets"]) == (3, 1)
    for name in totals["USD"]["closing"]:
        added = sum(Decimal(r["closing"][name]) for r in found["data"] if r["currency"] == "USD")
        assert totals["USD"]["closing"][name] == f"{added:.2f}", name
    assert totals["USD"]["by_kind"]["reserve"]["amount"] == "30.25"
    for row in found["data"]:
        alone = api.get(f"/budgets/{row['budget_id']}/report", range="month").get_json()
        assert {**alone, "range": 0, "known_before": 0} == {**row, "range": 0, "known_before": 0}


def test_a_report_without_budgets_is_empty(database: Database, make_api: MakeApi) -> None:
    empty = make_api("auditor", create_tenant(database, "Empty"))
    found = empty.get("/reports/tenant").get_json()
    assert (found["data"], found["totals"]) == ([], [])
    assert table(empty.get("/reports/tenant", format="csv")) == []


def test_a_csv_file_holds_many_budgets_and_its_numbers(api: Api, make_budget: MakeBudget) -> None:
    for n in range(3):
        use(api, make_budget("1000", department=f"D{n}"), "30.10")
    response = api.get("/reports/tenant", range="today", format="csv")
    assert "attachment" in response.headers["Content-Disposition"]
    rows = table(response)
    assert [row["department"] for row in rows] == ["D0", "D1", "D2"]
    assert {row["closing_available"] for row in rows} == {"969.90"}
    assert {(row["reserve_entries"], row["reserve_amount"]) for row in rows} == {("1", "30.10")}
    assert rows[0]["from"] == rows[0]["to"] == str(TODAY)


def test_a_department_that_is_a_formula_runs_nowhere(api: Api) -> None:
    new = {"department": "=1+1", "name": "@SUM(A1)", "fiscal_period": "FY2025",
           "budgeted_amount": "-50", "currency": "USD"}  # fmt: skip
    made = api.post("/budgets", new)
    assert made.status_code == 201, made.text
    for path in ("/reports/tenant", f"/budgets/{made.get_json()['id']}/report"):
        (row,) = table(api.get(path, format="csv"))
        assert (row["department"], row["name"]) == ("'=1+1", "'@SUM(A1)")
        assert row["closing_budgeted_amount"] == "-50.00"
        content = api.get(path, format="xlsx").data
        book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(content))
        header, cells = book.get_sheet_by_name("Budgets").to_python()
        row = dict(zip(header, cells, strict=True))
        assert (row["department"], row["closing_budgeted_amount"]) == ("=1+1", -50)
        header, cells = book.get_sheet_by_name("Totals").to_python()
        assert dict(zip(header, cells, strict=True))["budgets"] == 1


def test_days_are_those_of_the_tenant(database: Database, make_api: MakeApi) -> None:
    far = create_tenant(database, "Far", time_zone="Pacific/Kiritimati")  # always UTC+14
    found = make_api("admin", far).get(
        "/reports/tenant", **{"from": "2026-03-01", "to": "2026-03-31"}
    )
    assert found.get_json()["range"] == {
        "name": "custom", "from": "2026-03-01", "to": "2026-03-31",
        "starts_at": "2026-02-28T10:00:00Z", "ends_at": "2026-03-31T10:00:00Z",
    }  # fmt: skip


def test_what_was_not_known_yet_does_not_count(api: Api, make_budget: MakeBudget) -> None:
    budget = make_budget("1000")
    use(api, budget, "10")
    moment = datetime.now(UTC)
    use(api, budget, "20")
    path = f"/budgets/{budget}/report"
    then = api.get(path, known_at=moment.isoformat().replace("+00:00", "Z")).get_json()
    assert then["closing"]["reserved"] == "10.00"
    as_of = api.get(path, as_of=moment.isoformat().replace("+00:00", "Z")).get_json()
    assert as_of["closing"]["reserved"] == "10.00"
    assert api.get(path, as_of=str(TODAY)).get_json()["closing"]["reserved"] == "30.00"
    before = str(TODAY - timedelta(days=40))
    assert api.get(path, as_of=before).get_json()["closing"]["budgeted_amount"] == "0.00"


def test_midnight_is_a_moment_and_a_day_is_a_day(api: Api) -> None:
    for as_of, end in (
        ("2026-02-02T00:00:00Z", "2026-02-02T00:00:00.000001Z"),
        ("2026-02-02", "2026-02-03T00:00:00Z"),
    ):
        found = api.get("/reports/tenant", range="month", as_of=as_of).get_json()
        assert (found["range"]["starts_at"], found["range"]["ends_at"]) == (
            "2026-02-01T00:00:00Z", end,
        )  # fmt: skip


@pytest.mark.parametrize(
    "wrong",
    [
        {"range": "decade"},
        {"from": "2026-02-30"},
        {"to": "2026-01-01"},
        {"from": "2026-02-02", "to": "2026-02-01"},
        {"range": "week", "from": "2026-02-02", "to": "2026-02-03"},
        {"from": "1", "to": "2"},
        {"as_of": "yesterday"},
        {"as_of": "2026-01-01T00:00:00"},
        {"known_at": "0001-01-01"},
        {"known_at": "9999-12-31T23:59:59Z"},
        {"format": "pdf"},
    ],
)
def test_a_wrong_question_is_refused(api: Api, wrong: dict[str, str]) -> None:
    assert code_of(api.get("/reports/tenant", **wrong)) == (422, "invalid_input")


def test_the_json_is_readable_line_by_line(api: Api, make_budget: MakeBudget) -> None:
    for n in range(3):
        make_budget("1000", department=f"Ä{n}")
    text = api.get("/reports/tenant").text
    lines = [line for line in text.splitlines() if '"budget_id"' in line]
    assert [json.loads(line.strip().rstrip(","))["department"] for line in lines] == [
        "Ä0", "Ä1", "Ä2",
    ]  # fmt: skip


def test_a_forecast_says_that_it_knows_too_little(api: Api, make_budget: MakeBudget) -> None:
    budget = make_budget("1000")
    use(api, budget, "10")
    found = api.get(f"/budgets/{budget}/forecast").get_json()
    assert (found["state"], found["runs_out_on"], found["available"]) == (
        "too_little_history", None, "990.00",
    )  # fmt: skip
    assert code_of(api.get(f"/budgets/{uuid4()}/forecast")) == (404, "not_found")
    assert code_of(api.get(f"/budgets/{budget}/forecast", window_days=0)) == (422, "invalid_input")
