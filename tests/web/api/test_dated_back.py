"""Postings that are dated back: on their day in reports, and not before they were known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from tests.api_client import Api, code_of
from tests.conftest import MakeApi, MakeBudget

TODAY = datetime.now(UTC).date()


def day(back: int) -> str:
    return (TODAY - timedelta(days=back)).isoformat()


def spent_at(api: Api, budget: UUID, back: int, **more: str) -> str:
    asked = {"from": day(60), "to": day(0), "as_of": day(back)} | more
    found = api.get(f"/budgets/{budget}/report", **asked).get_json()
    return str(found["closing"]["spent"])


def spend(api: Api, budget: UUID, amount: str, **more: Any) -> Any:
    body = {"amount": amount, "currency": "USD", "ref_id": uuid4().hex} | more
    return api.post(f"/budgets/{budget}/charges", body)


def test_a_report_as_of_a_day_counts_it_and_as_known_before_does_not(
    api: Api, make_budget: MakeBudget
) -> None:
    budget = make_budget("1000")
    known = datetime.now(UTC).isoformat()
    before = spent_at(api, budget, 5)
    answer = spend(api, budget, "70", effective_on=day(10))
    assert answer.status_code == 201
    assert answer.get_json()["available"] == "930.00"
    assert (before, spent_at(api, budget, 5), spent_at(api, budget, 11)) == (
        "0.00",
        "70.00",
        "0.00",
    )
    assert spent_at(api, budget, 5, known_at=known) == "0.00"
    entry = api.get(f"/budgets/{budget}/ledger").get_json()["data"][0]
    assert entry["effective_at"].startswith(day(10))
    assert entry["recorded_at"] > entry["effective_at"]
    proven = api.post(f"/budgets/{budget}/reconcile").get_json()
    assert (proven["discrepancy"], proven["first_bad_seq"]) == ("0.00", None)


def test_charges_refunds_and_topups_are_dated_too(api: Api, make_budget: MakeBudget) -> None:
    budget = make_budget("1000")
    held = {"amount": "50", "currency": "USD", "ref_id": "late"}
    api.post(f"/budgets/{budget}/reservations", held)
    for path, body in (
        ("/reservations/late/charge", {}),
        ("/reservations/late/refund", {"reason": "back", "amount": "20"}),
        (f"/budgets/{budget}/topup", {"amount": "5", "currency": "USD"}),
    ):
        assert api.post(path, body | {"effective_on": day(3)}).status_code in (200, 201)
    rows = api.get(f"/budgets/{budget}/ledger").get_json()["data"][:3]
    assert [row["effective_at"][:10] for row in rows] == [day(3)] * 3
    assert spent_at(api, budget, 2) == "30.00"


def test_a_day_that_is_not_past_is_refused(api: Api, make_budget: MakeBudget) -> None:
    budget = make_budget("1000")
    (fault,) = spend(api, budget, "1", effective_on=day(-1)).get_json()["errors"]
    assert (fault["pointer"], fault["code"]) == ("/effective_on", "not_past")
    assert spend(api, budget, "1", effective_on=day(0)).status_code == 201


def test_a_closed_period_keeps_its_figures(
    api: Api, make_budget: MakeBudget, superuser: psycopg.Connection, tenant_id: UUID
) -> None:
    """What is dated into it counts on the first day that is open."""
    budget = make_budget("1000")
    for n, (first, last) in enumerate(((30, 20), (19, 10))):
        superuser.execute(
            "insert into fiscal_period (tenant_id, code, kind, starts_on, ends_on, state)"
            " values (%s, %s, 'custom', %s, %s, 'closed')",
            (tenant_id, f"closed-{n}", day(first), day(last)),
        )
    superuser.commit()
    spend(api, budget, "70", effective_on=day(25))
    entry = api.get(f"/budgets/{budget}/ledger").get_json()["data"][0]
    assert entry["effective_at"].startswith(day(9))


def test_nothing_is_dated_before_its_budget_s_period(api: Api, make_budget: MakeBudget) -> None:
    budget = make_budget("1000")
    spend(api, budget, "10")
    api.post(f"/budgets/{budget}/reset", {})
    (present, past) = api.get(f"/budgets/{budget}/periods").get_json()["data"]
    spend(api, budget, "70", effective_on=day(5))
    entry = api.get(f"/budgets/{budget}/ledger").get_json()["data"][0]
    assert entry["effective_at"] == present["opened_at"]
    assert past["spent"] == "10.00"


def test_an_amount_is_not_set_below_what_is_used_without_a_reason(
    api: Api, make_api: MakeApi, make_budget: MakeBudget
) -> None:
    budget = make_budget("1000")
    spend(api, budget, "600")

    def change(caller: Api, **body: str) -> Any:
        version = api.get(f"/budgets/{budget}").get_json()["version"]
        return caller.patch(f"/budgets/{budget}", body, version)

    assert code_of(change(api, budgeted_amount="500")) == (409, "below_used")
    assert change(api, budgeted_amount="600").status_code == 200
    lowered = change(api, budgeted_amount="500", override="cut by the board")
    assert lowered.get_json()["available"] == "-100.00"
    entry = api.get(f"/budgets/{budget}/ledger").get_json()["data"][0]
    assert entry["reason"] == "override: cut by the board"
    assert change(api, budgeted_amount="550").status_code == 200  # upwards is never refused


@pytest.mark.parametrize("mode", ["advisory", "none"])
def test_without_absolute_control_an_amount_may_be_anything(
    api: Api, make_budget: MakeBudget, mode: str
) -> None:
    budget = make_budget("1000")
    spend(api, budget, "600")
    assert api.patch(f"/budgets/{budget}/control", {"control_mode": mode}, 1).status_code == 200
    version = api.get(f"/budgets/{budget}").get_json()["version"]
    changed = api.patch(f"/budgets/{budget}", {"budgeted_amount": "500"}, version)
    assert changed.status_code == 200
