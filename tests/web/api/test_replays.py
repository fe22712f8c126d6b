"""Decisions given again: exactly those that what came late would have turned."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from tests.api_client import Api, code_of
from tests.bursar.reports.posting import Past
from tests.conftest import MakeBudget
from tests.web.api.conftest import Imports


@pytest.fixture
def past(superuser: psycopg.Connection) -> Past:
    return Past(superuser)


def check(api: Api, amount: str) -> dict[str, Any]:
    body = {"department": "Engineering", "sub_category": "Software", "fiscal_period": "FY2025"}
    answer = api.post("/budgets/check", body | {"amount": amount, "currency": "USD"}).get_json()
    assert isinstance(answer, dict)
    return answer


def flipped(api: Api, **asked: Any) -> list[dict[str, Any]]:
    found = api.get("/reports/decisions", range="today", **asked).get_json()["data"]
    assert isinstance(found, list)
    return found


def test_money_that_went_before_turns_the_approvals_that_relied_on_it(
    api: Api, make_budget: MakeBudget, past: Past
) -> None:
    budget = make_budget("8000")
    before = datetime.now(UTC)
    approved, small, large = (check(api, amount) for amount in ("4000", "2500", "7900"))
    assert [c["decision"] for c in (approved, small, large)] == ["approved", "approved", "pending"]
    assert flipped(api) == []
    # What is posted in its time changes nothing about what was decided before it.
    body = {"amount": "10", "currency": "USD", "ref_id": uuid4().hex}
    assert api.post(f"/budgets/{budget}/charges", body).status_code == 201
    assert flipped(api) == []
    past.post(budget, "adjust", "5000", datetime.now(UTC), before - timedelta(hours=1))
    found = flipped(api)
    assert [one["decision_id"] for one in found] == [approved["decision_id"], large["decision_id"]]
    assert [one["decision_now"] for one in found] == ["rejected", "rejected"]
    first = found[0]
    assert (first["available"], first["available_now"]) == ("8000.00", "3000.00")
    assert (first["reason_now"], first["late_entries"]) == ("insufficient_funds", 1)


def test_decisions_before_the_day_it_counts_from_stand(
    api: Api, make_budget: MakeBudget, past: Past
) -> None:
    budget = make_budget("100")
    early = check(api, "90")
    between = datetime.now(UTC)
    late = check(api, "90")
    past.post(budget, "adjust", "50", datetime.now(UTC), between)
    assert [one["decision_id"] for one in flipped(api)] == [late["decision_id"]]
    assert early["decision"] == "approved"


def test_all_of_them_equal_brute_force(
    api: Api, make_budget: MakeBudget, past: Past, superuser: psycopg.Connection
) -> None:
    chance = random.Random(7)
    budget = make_budget("1000")
    moments = []
    for _ in range(30):
        moments.append(datetime.now(UTC))
        check(api, str(chance.randrange(1, 1200)))
        if chance.random() < 0.5:
            body = {
                "amount": str(chance.randrange(1, 30)),
                "currency": "USD",
                "ref_id": uuid4().hex,
            }
            api.post(f"/budgets/{budget}/reservations", body)
    for _ in range(6):
        kind = chance.choice(("fund", "adjust"))
        past.post(budget, kind, str(chance.randrange(50, 400)), datetime.now(UTC),
                  chance.choice(moments))  # fmt: skip
    entries = superuser.execute(
        "select seq, effective_at, recorded_at, from_bucket, amount from ledger_entry"
        " where account_id = %s and effective_at < recorded_at", (budget,),
    ).fetchall()  # fmt: skip
    expected = set()
    for key, amount, decision, available, seen, at in superuser.execute(
        "select id, amount, decision, available, account_seq, decided_at from check_decision"
        " where budget_id = %s", (budget,),
    ):  # fmt: skip
        late = sum((e[4] if e[3] == "external" else -e[4] for e in entries
                    if e[0] > seen and e[1] <= at < e[2]), Decimal(0))  # fmt: skip
        now = "approved" if amount <= available + late else "rejected"
        if now != decision:
            expected.add(str(key))
    assert {one["decision_id"] for one in flipped(api)} == expected
    assert expected


def test_a_file_that_had_come_in_time(api: Api, imports: Imports, make_budget: MakeBudget) -> None:
    make_budget("100", sub_category="Software")
    asked = check(api, "500")
    assert asked["decision"] == "rejected"
    content = b"Department,Category,Budget,Year\nEngineering,Software,1000,FY2025\n"
    run = imports.send(content)
    assert run["counts"]["updated"] == 1
    assert flipped(api) == []
    day = datetime.now(UTC).date().isoformat()
    (found,) = flipped(api, import_id=run["id"], effective_on=day)
    assert (found["decision_id"], found["decision_now"]) == (asked["decision_id"], "approved")


def test_what_cannot_be_asked_is_refused(api: Api) -> None:
    (fault,) = api.get("/reports/decisions", import_id=str(uuid4())).get_json()["errors"]
    assert fault["code"] == "effective_on"
    both = {"import_id": str(uuid4()), "effective_on": "2026-01-01"}
    assert code_of(api.get("/reports/decisions", **both)) == (404, "not_found")


def test_what_comes_late_for_a_period_that_is_over_turns_nothing_in_the_next(
    api: Api, make_budget: MakeBudget
) -> None:
    budget = make_budget("8000")

    def spend(ref: str, amount: str) -> None:
        body = {"amount": amount, "currency": "USD", "ref_id": ref}
        assert api.post(f"/budgets/{budget}/charges", body).status_code == 201

    spend("late", "5000")
    before = check(api, "4000")
    assert api.post(f"/budgets/{budget}/reset", {"rollover": "reset"}).status_code == 200
    spend("present", "7000")
    after = check(api, "4000")
    assert (before["decision"], after["decision"]) == ("rejected", "rejected")
    day = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
    body = {"amount": "5000", "reason": "returned", "effective_on": day}
    assert api.post("/reservations/late/refund", body).status_code == 200
    assert [one["decision_id"] for one in flipped(api)] == [before["decision_id"]]
