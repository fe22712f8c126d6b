"""Transfers, direct charges, commitments, refunds, reversals and batches over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.api_client import Api, code_of
from tests.conftest import MakeApi, MakeBudget

MONEY = ("budgeted_amount", "reserved", "committed", "spent", "available")


def balances(api: Api, budget: UUID) -> list[str]:
    row = api.get(f"/budgets/{budget}").get_json()
    return [row[name] for name in MONEY]


def reserve(api: Api, budget: UUID, amount: str, ref: str, **more: Any) -> Any:
    body = {"amount": amount, "currency": "USD", "ref_id": ref} | more
    return api.post(f"/budgets/{budget}/reservations", body)


def test_a_reservation_goes_all_the_way(api: Api, make_budget: MakeBudget) -> None:
    budget = make_budget("1000")
    reserve(api, budget, "300", "po-1")
    committed = api.post("/reservations/po-1/commit")
    assert (committed.status_code, committed.get_json()["state"]) == (200, "committed")
    assert balances(api, budget) == ["1000.00", "0.00", "300.00", "0.00", "700.00"]
    assert code_of(api.post("/reservations/po-1/commit")) == (409, "already_committed")
    api.post("/reservations/po-1/charge", {"amount": "200"})
    assert balances(api, budget) == ["1000.00", "0.00", "100.00", "200.00", "700.00"]
    api.post("/reservations/po-1/charge", {})
    refunded = api.post("/reservations/po-1/refund", {"amount": "50", "reason": "returned"})
    assert refunded.get_json()["refunded"] == "50.00"
    assert balances(api, budget) == ["1000.00", "0.00", "0.00", "250.00", "750.00"]
    over = api.post("/reservations/po-1/refund", {"amount": "251", "reason": "too much"})
    assert code_of(over) == (409, "amount_exceeds_charged")
    api.post("/reservations/po-1/refund", {"reason": "all of it"})
    assert balances(api, budget) == ["1000.00", "0.00", "0.00", "0.00", "1000.00"]
    again = api.post("/reservations/po-1/refund", {"reason": "again"})
    assert code_of(again) == (409, "already_refunded")


def test_what_was_not_charged_is_not_refunded(api: Api, make_budget: MakeBudget) -> None:
    reserve(api, make_budget("1000"), "300", "po-2")
    refused = api.post("/reservations/po-2/refund", {"reason": "x"})
    assert code_of(refused) == (409, "not_charged")


def test_spending_without_a_reservation(api: Api, make_budget: MakeBudget) -> None:
    budget = make_budget("100")
    body = {"amount": "60", "currency": "USD", "ref_id": "inv-1", "reason": "invoice"}
    spent = api.post(f"/budgets/{budget}/charges", body)
    assert (spent.status_code, spent.get_json()["state"]) == (201, "charged")
    assert api.post(f"/budgets/{budget}/charges", body).status_code == 201
    assert balances(api, budget) == ["100.00", "0.00", "0.00", "60.00", "40.00"]
    over = api.post(f"/budgets/{budget}/charges", body | {"ref_id": "inv-2"})
    assert code_of(over) == (409, "insufficient_funds")
    api.post("/reservations/inv-1/refund", {"reason": "credit note"})
    assert balances(api, budget) == ["100.00", "0.00", "0.00", "0.00", "100.00"]


def test_an_obligation_without_a_reservation(api: Api, make_budget: MakeBudget) -> None:
    budget = make_budget("100")
    made = reserve(api, budget, "60", "con-1", stage="committed")
    assert made.get_json()["state"] == "committed"
    assert balances(api, budget) == ["100.00", "0.00", "60.00", "0.00", "40.00"]
    api.post("/reservations/con-1/release", {})
    assert balances(api, budget)[-1] == "100.00"


def test_passing_a_limit_needs_the_right_and_a_reason(
    make_api: MakeApi, make_budget: MakeBudget
) -> None:
    budget = make_budget("100")
    member, fpa = make_api("member"), make_api("fpa")
    assert code_of(reserve(member, budget, "150", "o-1", override="urgent")) == (403, "forbidden")
    assert code_of(reserve(fpa, budget, "150", "o-1")) == (409, "insufficient_funds")
    assert reserve(fpa, budget, "150", "o-1", override="urgent").status_code == 201
    assert balances(fpa, budget)[-1] == "-50.00"
    newest = fpa.get(f"/budgets/{budget}/ledger").get_json()["data"][0]
    assert newest["reason"] == "override: urgent"


def test_a_transfer_moves_what_is_authorized(api: Api, make_budget: MakeBudget) -> None:
    giving, taking = make_budget("100"), make_budget("10", department="Sales")
    reserve(api, giving, "40", "held")
    body = {"from": str(giving), "to": str(taking), "amount": "60", "reason": "reorganised"}
    over = api.post("/transfers", body | {"amount": "60.01"})
    assert code_of(over) == (409, "insufficient_funds")
    key = {"Idempotency-Key": uuid4().hex}
    moved = api.post("/transfers", body, headers=key)
    assert moved.status_code == 201
    answer = moved.get_json()
    assert (answer["from"]["available"], answer["to"]["available"]) == ("0.00", "70.00")
    again = api.post("/transfers", body, headers=key)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.get_json() == answer
    assert balances(api, giving)[0] == "40.00"
    kinds = [e["kind"] for e in api.get(f"/budgets/{taking}/ledger").get_json()["data"]]
    assert kinds == ["transfer_in", "fund"]
    assert code_of(api.post("/transfers", body | {"to": str(giving)})) == (422, "same_budget")
    assert code_of(api.post("/transfers", body | {"to": str(uuid4())})) == (404, "not_found")
    other = api.post("/transfers", body | {"amount": "1"}, headers=key)
    assert code_of(other) == (422, "idempotency_key_reused")


def test_a_transfer_keeps_to_one_currency(api: Api, make_budget: MakeBudget) -> None:
    giving = make_budget("100")
    taking = make_budget("10", currency="ZWG", department="Sales")
    body = {"from": str(giving), "to": str(taking), "amount": "60", "reason": "x"}
    assert code_of(api.post("/transfers", body)) == (422, "currency_mismatch")


@pytest.mark.parametrize(
    ("steps", "reversed_seq", "left"),
    [
        (["reserve"], 2, ["1000.00", "0.00", "0.00", "0.00", "1000.00"]),
        (["reserve", "commit"], 3, ["1000.00", "300.00", "0.00", "0.00", "700.00"]),
        (["reserve", "charge"], 3, ["1000.00", "300.00", "0.00", "0.00", "700.00"]),
        (["reserve", "release"], 3, ["1000.00", "300.00", "0.00", "0.00", "700.00"]),
        (["reserve", "charge", "refund"], 4, ["1000.00", "0.00", "0.00", "300.00", "700.00"]),
        (["charges"], 2, ["1000.00", "0.00", "0.00", "0.00", "1000.00"]),
        (["topup"], 2, ["1000.00", "0.00", "0.00", "0.00", "1000.00"]),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else "",
)
def test_an_entry_is_taken_back_once(
    api: Api, make_budget: MakeBudget, steps: list[str], reversed_seq: int, left: list[str]
) -> None:
    budget, ref = make_budget("1000"), uuid4().hex
    whole = {"amount": "300", "currency": "USD", "ref_id": ref}
    for step in steps:
        if step == "reserve":
            answer = api.post(f"/budgets/{budget}/reservations", whole)
        elif step == "charges":
            answer = api.post(f"/budgets/{budget}/charges", whole)
        elif step == "topup":
            answer = api.post(
                f"/budgets/{budget}/topup", {"amount": "300", "currency": "USD", "reason": "x"}
            )
        else:
            more = {"reason": "x"} if step == "refund" else {}
            answer = api.post(
                f"/reservations/{ref}/{step}", more or None if step == "commit" else more
            )
        assert answer.status_code in (200, 201), answer.text
    path = f"/budgets/{budget}/ledger/{reversed_seq}/reverse"
    taken_back = api.post(path, {"reason": "by mistake"})
    assert taken_back.status_code == 201, taken_back.text
    assert balances(api, budget) == left
    assert code_of(api.post(path, {"reason": "again"})) == (409, "already_reversed")
    found = api.post(f"/budgets/{budget}/reconcile").get_json()
    assert (found["discrepancy"], found["first_bad_seq"]) == ("0.00", None)


def test_a_reversal_does_not_take_what_has_gone_on(api: Api, make_budget: MakeBudget) -> None:
    budget = make_budget("1000")
    reserve(api, budget, "300", "r-1")
    api.post("/reservations/r-1/charge", {"amount": "100"})
    reason = {"reason": "x"}
    gone_on = api.post(f"/budgets/{budget}/ledger/2/reverse", reason)
    assert code_of(gone_on) == (409, "already_charged")
    used = api.post(f"/budgets/{budget}/ledger/1/reverse", reason)
    assert code_of(used) == (409, "insufficient_funds")
    api.post(f"/budgets/{budget}/ledger/3/reverse", reason)
    twice = api.post(f"/budgets/{budget}/ledger/4/reverse", reason)
    assert code_of(twice) == (409, "not_reversible")
    assert code_of(api.post(f"/budgets/{budget}/ledger/99/reverse", reason)) == (404, "not_found")


def test_a_batch_answers_in_order_and_once(api: Api, make_budget: MakeBudget) -> None:
    budget = make_budget("100")
    items = [
        {"budget_id": str(budget), "amount": a, "currency": "USD", "ref_id": f"b-{a}"}
        for a in ("60", "50", "40")
    ]
    key = {"Idempotency-Key": uuid4().hex}
    made = api.post("/reservations/batch", {"items": items}, headers=key).get_json()["data"]
    assert [(one["status"], one["code"]) for one in made] == [
        (201, "ok"), (409, "insufficient_funds"), (201, "ok"),
    ]  # fmt: skip
    again = api.post("/reservations/batch", {"items": items}, headers=key)
    assert [one["code"] for one in again.get_json()["data"]] == [
        "ok", "insufficient_funds", "ok",
    ]  # fmt: skip
    assert balances(api, budget)[-1] == "0.00"
    other = api.post(
        "/reservations/batch", {"items": [*items, items[0] | {"ref_id": "b-x"}]}, headers=key
    )
    assert code_of(other) == (422, "idempotency_key_reused")
    none = api.post("/reservations/batch", {"items": []})
    assert none.status_code == 422
