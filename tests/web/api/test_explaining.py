"""A decision opens to the cells behind its money and to whoever had used it."""

from __future__ import annotations

from typing import Any

from structlog.testing import capture_logs

from tests.api_client import Api
from tests.web.api.conftest import Imports

CHECK = {"department": "Engineering", "sub_category": "Software", "fiscal_period": "FY2025"}


def reserve(api: Api, budget: str, amount: str, ref: str) -> None:
    body = {"amount": amount, "currency": "USD", "ref_id": ref}
    assert api.post(f"/budgets/{budget}/reservations", body).status_code == 201


def explain(api: Api, decision: str) -> dict[str, Any]:
    found: dict[str, Any] = api.get(f"/checks/{decision}").get_json()
    return found


def test_the_cell_and_the_three_holds_that_use_it(api: Api, imports: Imports) -> None:
    content = (
        b"Department,Category,Budget,Year\nOps,Other,5,FY2025\nEngineering,Software,1000,FY2025\n"
    )
    run = imports.send(content, "q3.csv")
    (budget,) = (
        row["id"] for row in api.get("/budgets").get_json()["data"]
        if row["department"] == "Engineering"
    )  # fmt: skip
    for amount, ref in (("100", "a"), ("300", "b"), ("200", "c"), ("50", "gone")):
        reserve(api, budget, amount, ref)
    api.post("/reservations/gone/release", {})
    api.post("/reservations/c/charge", {"amount": "80"})
    asked = api.post("/budgets/check", CHECK | {"amount": "900"}).get_json()
    assert asked["decision"] == "rejected"
    reserve(api, budget, "10", "after")  # was not there when it was decided
    found = explain(api, asked["decision_id"])
    (cell,) = found["cells"]
    assert (cell["cell"], cell["file_name"], cell["amount"]) == ("C3", "q3.csv", "1000.00")
    assert len(cell["sha256"]) == 64
    assert cell["import_id"] == run["id"]
    assert [(hold["ref_id"], hold["amount"]) for hold in found["holds"]] == [
        ("b", "300.00"), ("c", "200.00"), ("a", "100.00"),
    ]  # fmt: skip
    assert found["more_holds"] == 0


def test_a_period_before_is_explained_by_its_own_account(api: Api, imports: Imports) -> None:
    imports.send(b"Department,Category,Budget,Year\nEngineering,Software,1000,FY2025\n")
    budget = api.get("/budgets").get_json()["data"][0]["id"]
    reserve(api, budget, "100", "old")
    before = api.post("/budgets/check", CHECK | {"amount": "1"}).get_json()
    api.post(f"/budgets/{budget}/reset", {})
    reserve(api, budget, "7", "new")
    after = api.post("/budgets/check", CHECK | {"amount": "1"}).get_json()
    refs = [
        [hold["ref_id"] for hold in explain(api, one["decision_id"])["holds"]]
        for one in (before, after)
    ]
    assert refs == [["old"], ["new"]]


def test_what_was_taken_back_uses_nothing(api: Api, imports: Imports) -> None:
    imports.send(b"Department,Category,Budget,Year\nEngineering,Software,1000,FY2025\n")
    budget = api.get("/budgets").get_json()["data"][0]["id"]
    reserve(api, budget, "100", "wrong")
    assert api.post(f"/budgets/{budget}/ledger/2/reverse", {"reason": "x"}).status_code == 201
    asked = api.post("/budgets/check", CHECK | {"amount": "1"}).get_json()
    assert explain(api, asked["decision_id"])["holds"] == []


def test_without_a_budget_there_is_nothing_to_open(api: Api) -> None:
    asked = api.post("/budgets/check", CHECK | {"amount": "1"}).get_json()
    found = explain(api, asked["decision_id"])
    assert (found["cells"], found["holds"]) == ([], [])


def test_a_check_is_in_the_log_by_its_decision(api: Api) -> None:
    with capture_logs() as events:
        asked = api.post("/budgets/check", CHECK | {"amount": "1"}).get_json()
    (told,) = (event for event in events if event["event"] == "budget checked")
    assert (told["decision"], told["reason"]) == ("rejected", "no_budget")
    assert told["decision_id"] == asked["decision_id"]
    assert "Engineering" not in str(told)
