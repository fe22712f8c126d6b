"""The main job through every process: a file in over HTTP, a worker, PostgreSQL, an answer."""

from __future__ import annotations

import io
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any
from uuid import uuid4

import httpx
import pytest
import xlsxwriter

from tests.live.caller import Caller, csv_of

MESSY = (
    "Riverton County;;;\r\nAdopted budget (all amounts in USD);;;\r\n;;;\r\n"
    "Dept.;Sub-Category;Fiscal Yr;Budgetted Amt\r\n"
    "Café & Catering;Food;FY2025;$1,234.50\r\n"
    "Café & Catering;Staff;FY25;(200.00)\r\n"
    "Roads;Salt;2025;USD 10,000\r\n"
    "Roads;Salt;2025;500.25\r\n"
    "TOTAL;;;11,534.75\r\n"
).encode("cp1252")


def test_a_messy_file_becomes_enforced_budgets(caller: Caller) -> None:
    run = caller.import_file(MESSY, "riverton.csv")
    assert run["state"] == "completed", (run["error"], caller.get(f"/imports/{run['id']}/errors"))
    assert run["counts"] == {
        "total": 4, "created": 4, "updated": 0, "unchanged": 0, "rejected": 0,
    }  # fmt: skip
    assert run["amounts"]["after"] == "11534.75"
    budgets = {b["name"]: b for b in caller.get("/budgets")["data"]}
    assert budgets["Roads / Salt"]["budgeted_amount"] == "10500.25"  # two rows of one key
    assert budgets["Café & Catering / Staff"]["budgeted_amount"] == "-200.00"
    asked = {"department": "roads", "sub_category": "SALT", "fiscal_period": "FY2025"}
    assert caller.post("/budgets/check", asked | {"amount": "10500.25"})["available"]
    assert not caller.post("/budgets/check", asked | {"amount": "10500.26"})["available"]


def test_a_workbook_is_imported_too(caller: Caller) -> None:
    made = io.BytesIO()
    book = xlsxwriter.Workbook(made, {"in_memory": True})
    sheet = book.add_worksheet("Budget 2025")
    sheet.write_row(0, 0, ["Budget 2025"])
    sheet.write_row(2, 0, ["Department", "Period", "Amount budgeted"])
    for n in range(5):
        sheet.write_row(3 + n, 0, [f"Dept {n}", "FY2025", 0.1 + n])
    book.close()
    run = caller.import_file(made.getvalue(), "budget.xlsx")
    assert run["amounts"]["after"] == "10.50"


def test_rows_that_cannot_be_read_come_back_as_a_file(caller: Caller) -> None:
    content = csv_of([("Ops", "Fuel", "10"), ("Ops", "Food", "ten"), ("Ops", "=1+1", "NaN")])
    run = caller.import_file(content, "b.csv", mode="skip_errors")
    assert run["state"] == "completed_with_errors"
    assert run["counts"]["rejected"] == 2
    errors = caller.get(f"/imports/{run['id']}/errors")
    assert errors["total"] == 2
    assert {(e["row"], e["column"], e["value"]) for e in errors["data"]} == {
        (3, "Budget", "ten"), (4, "Budget", "NaN"), (4, "Sub Category", "=1+1"),
    }  # fmt: skip
    rejected = caller.http.get(f"/api/v1/imports/{run['id']}/rejected")
    lines = rejected.content.decode("utf-8-sig").splitlines()
    assert len(lines) == 3
    assert "'=1+1" in lines[2]


def test_all_or_nothing_loads_nothing(caller: Caller) -> None:
    run = caller.import_file(csv_of([("Ops", "Fuel", "10"), ("Ops", "Food", "ten")]), "b.csv")
    assert (run["state"], run["error"]["code"]) == ("failed", "rows_rejected")
    assert caller.get("/budgets")["data"] == []
    assert run["counts"]["rejected"] == 1


def test_a_payroll_is_refused_unless_forced(caller: Caller) -> None:
    payroll = (
        b"Employee ID,Employee Name,Department,Hire Date,Gross Pay,Net Pay\n"
        + b"".join(b"%d,Person %d,Ops,2020-01-0%d,5000,4000\n" % (n, n, n) for n in range(1, 9))
    )  # fmt: skip
    run = caller.import_file(payroll, "payroll.csv")
    assert (run["state"], run["error"]["code"]) == ("failed", "not_a_budget")
    assert "payroll" in run["error"]["detail"]
    forced = caller.import_file(
        payroll, "payroll.csv", mapping='{"Gross Pay": "budgeted_amount"}', force_kind="true",
        defaults='{"fiscal_period": "FY2025"}',
    )  # fmt: skip
    assert forced["state"] == "completed", forced["error"]
    assert forced["amounts"]["after"] == "40000.00"


def test_the_same_file_twice_is_one_import(caller: Caller) -> None:
    content = csv_of([("Ops", "Fuel", "10"), ("Ops", "Food", "20")])
    first = caller.import_file(content, "b.csv")
    second = caller.import_file(content, "renamed.csv")
    assert second["duplicate_of"] == first["id"]
    assert second["counts"]["unchanged"] == 2
    changed = caller.import_file(csv_of([("Ops", "Fuel", "15")]), "c.csv")
    assert changed["counts"]["updated"] == 1
    # After another import the old file means something again.
    assert caller.import_file(content, "b.csv")["counts"]["updated"] == 1
    fuel = caller.get("/budgets", q="Fuel")["data"][0]
    assert fuel["budgeted_amount"] == "10.00"


def test_a_plan_is_applied_exactly_or_not_at_all(caller: Caller) -> None:
    caller.import_file(csv_of([("Ops", "Fuel", "10")]), "a.csv")
    change = csv_of([("Ops", "Fuel", "30"), ("Ops", "Food", "5")])
    planned = caller.import_file(change, "b.csv", apply="false")
    assert planned["state"] == "planned"
    rows = caller.get(f"/imports/{planned['id']}/plan")["data"]
    assert [(r["action"], r["before"], r["after"]) for r in rows] == [
        ("update", "10.00", "30.00"), ("create", None, "5.00"),
    ]  # fmt: skip
    budget = caller.get("/budgets")["data"][0]
    topup = {"amount": "1", "currency": "USD"}
    caller.post(f"/budgets/{budget['id']}/topup", topup)
    refused = caller.try_post(f"/imports/{planned['id']}/apply")
    assert (refused.status_code, refused.json()["code"]) == (409, "plan_stale")
    assert refused.json()["rows"] == [2]
    again = caller.import_file(change, "b.csv", apply="false")
    started = caller.post(f"/imports/{again['id']}/apply")
    assert caller.follow(started["id"])["state"] == "completed"
    assert {b["budgeted_amount"] for b in caller.get("/budgets")["data"]} == {"30.00", "5.00"}


def test_a_file_without_a_period_waits_for_one(caller: Caller) -> None:
    content = b"Department,Budget\nOps,10\nRoads,20\n"
    waiting = caller.import_file(content, "b.csv")
    assert (waiting["state"], waiting["error"]["code"]) == (
        "awaiting_mapping", "mapping_incomplete",
    )  # fmt: skip
    given = {"file_id": waiting["file_id"], "defaults": {"fiscal_period": "FY2025"}}
    started = caller.post("/imports", given)
    assert caller.follow(started["id"])["state"] == "completed"


def test_forty_clients_for_twenty_places_half_of_them_retrying(caller: Caller) -> None:
    caller.import_file(csv_of([("Ops", "Fuel", "10000")]), "b.csv")
    budget = caller.get("/budgets")["data"][0]["id"]
    start = threading.Barrier(40)

    def contend(n: int) -> list[int]:
        with httpx.Client(base_url=caller.url, headers=caller.headers, timeout=60) as http:
            request: dict[str, Any] = {
                "json": {"amount": "500", "currency": "USD", "ref_id": f"client-{n}"},
                "headers": {"Idempotency-Key": uuid4().hex},
            }
            start.wait()
            return [
                http.post(f"/api/v1/budgets/{budget}/reservations", **request).status_code
                for _ in range(1 + n % 2)
            ]

    with ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(contend, range(40)))
    assert all(len(set(statuses)) == 1 for statuses in answers)  # a retry hears the same
    assert sum(statuses[0] == 201 for statuses in answers) == 20
    assert sum(statuses[0] == 409 for statuses in answers) == 20
    late = caller.try_post(
        f"/budgets/{budget}/reservations", {"amount": "500", "currency": "USD", "ref_id": "late"}
    )
    assert (late.status_code, late.json()["code"]) == (409, "insufficient_funds")
    proof = caller.post(f"/budgets/{budget}/reconcile")
    assert proof["stored"] == proof["derived"]
    assert (proof["discrepancy"], proof["first_bad_seq"]) == ("0.00", None)
    assert proof["derived"]["reserved"] == "10000.00"
    assert proof["entries"] == 21


def test_overdue_holds_are_let_go_by_the_clock(caller: Caller) -> None:
    caller.import_file(csv_of([("Ops", "Fuel", "100")]), "b.csv")
    budget = caller.get("/budgets")["data"][0]["id"]
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 1))
    held = {"amount": "60", "currency": "USD", "ref_id": "brief", "expires_at": soon}
    assert caller.post(f"/budgets/{budget}/reservations", held)["available"] == "40.00"
    caller.wait(
        lambda: caller.get("/reservations/brief")["state"] == "expired", "the hold to expire", 60
    )
    assert caller.get(f"/budgets/{budget}/utilization")["available"] == "100.00"


def test_crossing_a_cap_is_told_once(caller: Caller) -> None:
    caller.import_file(csv_of([("Ops", "Fuel", "100")]), "b.csv")
    budget = caller.get("/budgets")["data"][0]["id"]
    for n, amount in enumerate(("79", "2", "1")):
        body = {"amount": amount, "currency": "USD", "ref_id": f"r{n}"}
        caller.post(f"/budgets/{budget}/reservations", body)
    caller.wait(lambda: caller.get("/alerts")["data"], "the alert", 60)
    told = caller.get("/alerts")["data"]
    assert [(a["type"], a["utilization_percent"]) for a in told] == [("threshold_warning", "81.00")]
    seen = caller.post(f"/alerts/{told[0]['id']}/acknowledge")
    assert seen["state"] == "acknowledged"
    assert caller.post(f"/alerts/{told[0]['id']}/resolve")["state"] == "resolved"


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_is_open(caller: Caller, path: str) -> None:
    assert httpx.get(caller.url + path, timeout=10).status_code == 200


def test_metrics_count(caller: Caller) -> None:
    caller.post("/budgets/check", {"department": "x", "fiscal_period": "FY2025", "amount": "1"})
    text = caller.http.get("/metrics").text
    assert 'bursar_budget_check_requests_total{decision="rejected"}' in text
    assert Decimal(text.split("bursar_http_requests_total{")[1].split("} ")[1].split("\n")[0]) > 0
