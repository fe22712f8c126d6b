"""Reservations and checks over the API."""

from uuid import UUID, uuid4

import pytest

from tests.api_client import Api, code_of
from tests.conftest import MakeApi, MakeBudget


def body(amount: str = "100", ref: str = "po-1") -> dict[str, str]:
    return {"amount": amount, "currency": "USD", "ref_id": ref}


def test_reserve_charge_release(api: Api, make_budget: MakeBudget) -> None:
    budget = make_budget("1000")
    made = api.post(f"/budgets/{budget}/reservations", body())
    assert made.status_code == 201
    shown = made.get_json()
    assert (shown["state"], shown["balance"], shown["available"]) == (
        "reserved", "100.00", "900.00",
    )  # fmt: skip
    assert api.get("/reservations/po-1").get_json()["remaining"] == "100.00"
    part = api.post("/reservations/po-1/charge", {"amount": "30"}).get_json()
    assert (part["charged"], part["remaining"]) == ("30.00", "70.00")
    assert api.post("/reservations/po-1/release", {}).get_json()["released"] == "70.00"
    assert code_of(api.post("/reservations/po-1/charge", {})) == (409, "already_charged")


def test_what_is_not_there_is_said(api: Api, make_budget: MakeBudget) -> None:
    budget = make_budget("50")
    over = api.post(f"/budgets/{budget}/reservations", body())
    assert code_of(over) == (409, "insufficient_funds")
    assert over.get_json()["available"] == "50.00"
    assert code_of(api.post("/reservations/none/charge", {})) == (404, "not_found")
    assert code_of(api.get("/reservations/none")) == (404, "not_found")
    wrong = api.post(f"/budgets/{budget}/reservations", body() | {"currency": "ZWG"})
    assert code_of(wrong) == (422, "currency_mismatch")


def test_a_mutation_needs_a_key_and_replays_its_answer(api: Api, make_budget: MakeBudget) -> None:
    path = f"/budgets/{make_budget('1000')}/reservations"
    missing = api.call("POST", path, json=body(), headers={"Idempotency-Key": ""})
    assert code_of(missing) == (400, "idempotency_key_required")
    key = {"Idempotency-Key": uuid4().hex}
    first = api.post(path, body(), headers=key)
    again = api.post(path, body(), headers=key)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (again.status_code, again.get_json()) == (201, first.get_json())
    other = api.post(path, body("200"), headers=key)
    assert code_of(other) == (422, "idempotency_key_reused")


def test_a_refusal_replays_too(api: Api, make_budget: MakeBudget) -> None:
    budget = make_budget("50")
    key = {"Idempotency-Key": uuid4().hex}
    first = api.post(f"/budgets/{budget}/reservations", body(), headers=key)
    assert first.status_code == 409
    topup = {"amount": "1000", "currency": "USD", "reason": "more"}
    assert api.post(f"/budgets/{budget}/topup", topup).status_code == 201
    again = api.post(f"/budgets/{budget}/reservations", body(), headers=key)
    assert code_of(again) == (409, "insufficient_funds")


def test_topup_and_utilization(api: Api, make_budget: MakeBudget) -> None:
    budget = make_budget("1000")
    api.post(f"/budgets/{budget}/reservations", body("900"))
    shown = api.get(f"/budgets/{budget}/utilization").get_json()
    assert (shown["utilization_percent"], shown["soft_cap_exceeded"]) == ("90.00", True)
    assert not shown["hard_cap_approaching"]
    more = {"amount": "1000", "currency": "USD", "reason": "supplement"}
    assert api.post(f"/budgets/{budget}/topup", more).get_json()["available"] == "1100.00"


def test_check_decides_three_ways(api: Api, make_budget: MakeBudget) -> None:
    make_budget("10000")

    def check(amount: object, **more: str) -> tuple[str, str]:
        asked = {"department": "engineering", "sub_category": "software", "amount": amount,
                 "fiscal_period": "FY2025"} | more  # fmt: skip
        answer = api.post("/budgets/check", asked).get_json()
        return answer["decision"], answer["reason"]

    assert check("5000") == ("approved", "within_auto_approval_threshold")
    assert check(5000.01) == ("pending", "above_auto_approval_threshold")
    assert check("10000.01") == ("rejected", "insufficient_funds")
    assert check("1", department="Nobody") == ("rejected", "no_budget")


def test_check_says_what_matched(api: Api, make_budget: MakeBudget) -> None:
    make_budget("10000")
    make_budget("300", sub_category="")
    asked = {"department": "Engineering", "amount": "200", "fiscal_period": "2025"}
    exact = api.post("/budgets/check", asked | {"sub_category": "Software"}).get_json()
    assert (exact["matched"], exact["budget"]["available"]) == ("exact", "10000.00")
    general = api.post("/budgets/check", asked | {"sub_category": "Travel"}).get_json()
    assert (general["matched"], general["budget"]["available"]) == ("department", "300.00")


def test_check_refuses_another_currency(api: Api, make_budget: MakeBudget) -> None:
    make_budget("10000")
    asked = {"department": "Engineering", "sub_category": "Software", "amount": "1",
             "fiscal_period": "FY2025", "currency": "ZWG"}  # fmt: skip
    assert code_of(api.post("/budgets/check", asked)) == (422, "currency_mismatch")


def test_reconcile_is_for_administrators(
    make_api: MakeApi, make_budget: MakeBudget, api: Api
) -> None:
    budget: UUID = make_budget("1000")
    api.post(f"/budgets/{budget}/reservations", body())
    found = api.post(f"/budgets/{budget}/reconcile").get_json()
    assert (found["discrepancy"], found["first_bad_seq"]) == ("0.00", None)
    assert found["totals_by_type"] == {"fund": "1000.00", "reserve": "100.00"}
    assert code_of(make_api("fpa").post(f"/budgets/{budget}/reconcile")) == (403, "forbidden")


@pytest.mark.parametrize(
    "moment",
    ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "2020-01-01T00:00:00Z",
     99999999999999, "1799999999", "tomorrow", "2030-01-01T00:00:00"],
)  # fmt: skip
def test_an_expiry_out_of_reach_holds_nothing(
    api: Api, make_budget: MakeBudget, moment: object
) -> None:
    budget = make_budget("100")
    refused = api.post(f"/budgets/{budget}/reservations", body("1") | {"expires_at": moment})
    assert code_of(refused) == (422, "invalid_input")
    assert api.get(f"/budgets/{budget}/utilization").get_json()["available"] == "100.00"


def test_a_topup_that_no_counter_holds_is_refused(api: Api, make_budget: MakeBudget) -> None:
    budget = make_budget("100")
    more = {"amount": "9999999999999999.99", "currency": "USD"}
    assert code_of(api.post(f"/budgets/{budget}/topup", more)) == (422, "invalid_amount")
