"""Periods over HTTP: recurrences, resets by hand, calendars, closing."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest

from bursar.database import Database
from bursar.importing import applying
from bursar.importing.applying import run_import
from bursar.importing.runs import record_failure
from bursar.jobs import runner
from bursar.period_end.closing import close_period
from bursar.period_end.resets import reset_due
from tests.api_client import Api, code_of
from tests.conftest import MakeApi, MakeBudget
from tests.web.api.conftest import Imports


def spend(api: Api, budget: UUID, amount: str) -> Any:
    body = {"amount": amount, "currency": "USD", "ref_id": uuid4().hex}
    return api.post(f"/budgets/{budget}/charges", body)


def recur(api: Api, budget: UUID, period_type: str = "monthly", **more: Any) -> Any:
    body = {"period_type": period_type} | more
    return api.call("PUT", f"/budgets/{budget}/recurrence", json=body)


def test_a_budget_is_reset_once_a_period(api: Api, make_budget: MakeBudget) -> None:
    budget = make_budget("1000")
    rule = recur(api, budget, rollover="carry_unspent", rollover_cap="200").get_json()
    assert (rule["rollover_cap"], rule["failure"]) == ("200.00", None)
    assert rule["next_reset_on"].endswith("-01")
    spend(api, budget, "300")
    done = api.post(f"/budgets/{budget}/reset", {}).get_json()
    assert (done["state"], done["balance"], done["available"]) == ("reset", "0.00", "1200.00")
    (ended,) = done["ended"]
    assert (ended["spent"], ended["unspent"], ended["lapsed"]) == ("300.00", "200.00", "500.00")
    again = api.post(f"/budgets/{budget}/reset", {}).get_json()
    assert (again["state"], again["available"]) == ("already_reset", "1200.00")
    shown = api.get(f"/budgets/{budget}").get_json()
    assert (shown["spent"], shown["budgeted_amount"]) == ("0.00", "1200.00")
    present, past = api.get(f"/budgets/{budget}/periods").get_json()["data"]
    assert (present["closed_at"], past["spent"]) == (None, "300.00")
    kinds = [
        [row["kind"] for row in api.get(f"/budgets/{budget}/ledger", **which).get_json()["data"]]
        for which in ({}, {"account_id": past["account_id"]})
    ]
    assert kinds == [["carry_in", "fund"], ["carry_out", "charge", "fund"]]
    elsewhere = api.get(f"/budgets/{make_budget('1', sub_category='Other')}/ledger",
                        account_id=past["account_id"])  # fmt: skip
    assert code_of(elsewhere) == (404, "not_found")


def test_a_key_replays_a_reset(api: Api, make_budget: MakeBudget) -> None:
    budget = make_budget("1000")
    named = {"Idempotency-Key": "once"}
    first, second = (api.post(f"/budgets/{budget}/reset", {}, headers=named) for _ in range(2))
    assert first.get_json() == second.get_json()
    assert second.headers["Idempotency-Replayed"] == "true"


def test_a_budget_without_periods_is_reset_for_the_day(api: Api, make_budget: MakeBudget) -> None:
    budget = make_budget("1000")
    assert api.get(f"/budgets/{budget}/recurrence").get_json()["period_type"] == "once"
    spend(api, budget, "300")
    planned = api.post(f"/budgets/{budget}/reset", {"dry_run": True}).get_json()
    assert (planned["state"], planned["balance"]) == ("planned", "300.00")
    body = {"rollover": "carry_unspent"}
    done = api.post(f"/budgets/{budget}/reset", body).get_json()
    assert (done["balance"], done["available"], done["next_reset_on"]) == ("0.00", "1700.00", None)


@pytest.mark.parametrize("kind", ["rolling", "once"])
def test_a_rolling_budget_has_no_next_reset(api: Api, make_budget: MakeBudget, kind: str) -> None:
    assert recur(api, make_budget("1000"), kind).get_json()["next_reset_on"] is None


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"period_type": "weekly"}, "literal_error"),
        ({"period_type": "custom"}, "calendar"),
        ({"period_type": "custom", "calendar": "none"}, "unknown_calendar"),
        ({"period_type": "monthly", "reset_day": 32}, "less_than_equal"),
        ({"period_type": "monthly", "calendar": "x"}, "calendar"),
    ],
)
def test_a_rule_that_cannot_be_is_refused(
    api: Api, make_budget: MakeBudget, body: dict[str, Any], code: str
) -> None:
    refused = recur(api, make_budget("1"), **body)
    assert refused.status_code == 422
    assert [fault["code"] for fault in refused.get_json()["errors"]] == [code]


@pytest.mark.parametrize("amount", ["-1", "1.001", "x"])
def test_amounts_of_a_rule_are_money(api: Api, make_budget: MakeBudget, amount: str) -> None:
    refused = recur(api, make_budget("1"), rollover_cap=amount)
    assert code_of(refused) == (422, "invalid_amount")


def test_only_an_admin_resets(make_api: MakeApi, make_budget: MakeBudget) -> None:
    refused = make_api("fpa").post(f"/budgets/{make_budget('1')}/reset", {})
    assert code_of(refused) == (403, "forbidden")


def test_a_calendar_of_one_s_own(api: Api, make_budget: MakeBudget) -> None:
    first = {"code": "P1", "calendar": "retail", "starts_on": "2026-02-01", "ends_on": "2026-02-28"}
    assert api.post("/periods", first).status_code == 201
    for change, code in (
        ({"code": "P2"}, "overlaps"),
        ({"code": "FY2025"}, "known_period"),
        ({"ends_on": "2026-01-01"}, "wrong_order"),
        ({"code": " "}, "blank"),
        ({"calendar": " "}, "blank"),
    ):
        (fault,) = api.post("/periods", first | change).get_json()["errors"]
        assert fault["code"] == code
    later = {"starts_on": "2026-03-01", "ends_on": "2026-04-04"}
    assert code_of(api.post("/periods", first | later)) == (409, "duplicate_period")
    assert api.post("/periods", first | later | {"code": "P2"}).status_code == 201
    listed = api.get("/periods", calendar="retail").get_json()["data"]
    assert [row["code"] for row in listed] == ["P2", "P1"]
    assert recur(api, make_budget("1"), "custom", calendar="retail").status_code == 200
    last = {"code": "P9", "starts_on": "9999-01-01", "ends_on": "9999-12-31"}
    assert api.post("/periods", first | last).status_code == 201
    (fault,) = api.post("/periods/P9/close", {"rollover": "reset"}).get_json()["errors"]
    assert fault["code"] == "unclear_next"


def test_more_than_a_budget_holds_is_not_carried_along(api: Api, make_budget: MakeBudget) -> None:
    budget = make_budget("9000000000000000")
    recur(api, budget, rollover="carry_unspent")
    assert code_of(api.post(f"/budgets/{budget}/reset", {})) == (422, "invalid_amount")


def run_job(database: Database, tenant: UUID, started: Any, work: runner.Work) -> None:
    assert started.status_code == 202
    job_id = UUID(started.get_json()["job_id"])
    runner.run(database, tenant, job_id, work, lambda *_: None)


def test_a_period_is_closed_by_a_job(
    api: Api, database: Database, tenant_id: UUID, make_budget: MakeBudget
) -> None:
    budget = make_budget("1000")
    spend(api, budget, "400")
    body = {"rollover": "carry_unspent", "reason": "Year end"}
    started = api.post("/periods/FY2025/close", body)
    again = api.post("/periods/FY2025/close", body)
    assert code_of(again) == (409, "period_end_running")
    run_job(database, tenant_id, started, close_period)
    job = api.get(f"/jobs/{started.get_json()['job_id']}").get_json()
    assert job["result"]["carried"]["USD"]["unspent"] == "600.00"
    (period,) = api.get("/periods", state="closed").get_json()["data"]
    assert period["code"] == "FY2025"
    assert code_of(spend(api, budget, "1")) == (409, "period_closed")
    assert code_of(api.post("/periods/FY2025/close", body)) == (409, "period_closed")
    assert code_of(api.post("/periods/FY2025/reopen")) == (409, "period_closed")
    (after,) = api.get("/budgets", fiscal_period="FY2026").get_json()["data"]
    assert after["available"] == "600.00"
    new = {
        "department": "New",
        "fiscal_period": "FY2025",
        "budgeted_amount": "1",
        "currency": "USD",
    }
    assert code_of(api.post("/budgets", new)) == (409, "period_closed")


def test_the_period_that_takes_over_can_be_named(api: Api, make_budget: MakeBudget) -> None:
    make_budget("1000")
    body = {"rollover": "reset", "dry_run": True}
    for code, answer in (
        ("FY2024", (422, "invalid_input")),
        ("FY2025", (422, "invalid_input")),
        ("nonsense", (404, "not_found")),
        ("FY 2027", (202, None)),  # not named before
    ):
        closed = api.post("/periods/FY2025/close", body | {"next": code})
        assert (closed.status_code, closed.get_json().get("code")) == answer


def test_a_soft_close_is_taken_back(api: Api, make_budget: MakeBudget) -> None:
    budget = make_budget("1000")
    assert api.post("/periods/FY2025/soft-close").get_json()["budgets"] == 1
    assert code_of(spend(api, budget, "1")) == (409, "period_closed")
    assert api.post("/periods/FY2025/reopen").get_json()["state"] == "open"
    assert spend(api, budget, "1").status_code == 201


def test_all_that_are_due_are_reset_by_a_job(
    api: Api, database: Database, tenant_id: UUID, make_budget: MakeBudget
) -> None:
    recur(api, make_budget("1"))
    started = api.post("/periods/reset", {"dry_run": True})
    run_job(database, tenant_id, started, reset_due)
    job = api.get(f"/jobs/{started.get_json()['job_id']}").get_json()
    assert (job["state"], job["result"]["due"]) == ("succeeded", 0)


def test_an_import_makes_no_budget_in_a_closed_period(
    api: Api, imports: Imports, make_budget: MakeBudget
) -> None:
    make_budget("1000")
    api.post("/periods/FY2025/soft-close")
    content = b"Department,Budget,Year\nOps,5,FY2025\nIT,6,FY2026\n"
    run = imports.send(content, mode="skip_errors")
    (error,) = api.get(f"/imports/{run['id']}/errors").get_json()["data"]
    assert error["code"] == "period_closed"
    assert {department for department, _ in imports.budgets()} == {"IT", "Engineering"}


def test_a_period_closed_since_the_plan_takes_no_new_budgets(
    api: Api, database: Database, tenant_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.post("/budgets", {"department": "A", "fiscal_period": "FY2025", "budgeted_amount": "1",
                          "currency": "USD"})  # fmt: skip
    started = api.upload("/imports", b"Department,Budget,Year\nOps,5,FY2025\n").get_json()
    carry_out = applying._carry_out

    def closed_before(session: Any, run: Any, lease: Any) -> None:
        monkeypatch.setattr(applying, "_carry_out", carry_out)
        assert api.post("/periods/FY2025/soft-close").status_code == 200
        carry_out(session, run, lease)

    monkeypatch.setattr(applying, "_carry_out", closed_before)
    runner.run(database, tenant_id, UUID(started["job_id"]), run_import, record_failure)
    run = api.get(f"/imports/{started['id']}").get_json()
    assert (run["counts"]["created"], run["counts"]["rejected"]) == (0, 1)
    assert len(api.get("/budgets").get_json()["data"]) == 1
