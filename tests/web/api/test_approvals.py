"""Rules of approval, and why a check was answered as it was."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api_client import Api, code_of
from tests.conftest import MakeBudget


def check(api: Api, amount: str, department: str = "Engineering", **more: str) -> Any:
    body = {"department": department, "sub_category": "Software", "fiscal_period": "FY2025",
            "amount": amount} | more  # fmt: skip
    return api.post("/budgets/check", body).get_json()


def rule(api: Api, up_to: str, **more: str) -> Any:
    return api.post("/approval-rules", {"name": "A rule", "auto_approve_up_to": up_to} | more)


def test_without_rules_five_thousand_is_the_line(api: Api, make_budget: MakeBudget) -> None:
    make_budget("100000")
    assert [check(api, amount)["decision"] for amount in ("4999", "5000", "5000.01")] == [
        "approved", "approved", "pending",
    ]  # fmt: skip


def test_the_rule_that_says_most_decides(api: Api, make_budget: MakeBudget) -> None:
    make_budget("100000")
    make_budget("100000", department="Sales")
    make_budget("100000", currency="ZWG", department="Abroad")
    for up_to, more in (
        ("100", {}),
        ("200", {"currency": "ZWG"}),
        ("300", {"department": " engineering "}),
        ("400", {"department": "Engineering", "currency": "USD"}),
    ):
        assert rule(api, up_to, **more).status_code == 201
    assert check(api, "400")["decision"] == "approved"
    assert check(api, "400.01")["decision"] == "pending"
    assert check(api, "1", "Sales")["auto_approval_threshold"] == "100.00"
    assert check(api, "1", "Abroad")["auto_approval_threshold"] == "200.00"


def test_a_rule_is_changed_and_switched_off(api: Api, make_budget: MakeBudget) -> None:
    make_budget("100000")
    made = rule(api, "100", currency="USD").get_json()
    path = f"/approval-rules/{made['id']}"
    changed = api.patch(path, {"auto_approve_up_to": "50"}, made["version"]).get_json()
    assert check(api, "51")["decision"] == "pending"
    assert code_of(api.patch(path, {"name": "x"}, made["version"])) == (412, "version_stale")
    api.patch(path, {"is_active": False}, changed["version"])
    assert check(api, "51")["decision"] == "approved"
    assert rule(api, "70", currency="USD").status_code == 201, "the old one is out of the way"
    assert code_of(rule(api, "80", currency="USD")) == (409, "duplicate_rule")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"auto_approve_up_to": "-1"}, "invalid_amount"),
        ({"auto_approve_up_to": "1.001", "currency": "USD"}, "invalid_amount"),
        ({"auto_approve_up_to": "NaN"}, "invalid_amount"),
    ],
)
def test_a_senseless_rule_is_refused(api: Api, body: dict[str, str], code: str) -> None:
    assert code_of(api.post("/approval-rules", {"name": "R"} | body)) == (422, code)


def test_a_decision_tells_its_reasons(api: Api, make_budget: MakeBudget) -> None:
    budget = make_budget("1000")
    made = rule(api, "100").get_json()
    answer = check(api, "250")
    told = api.get(f"/checks/{answer['decision_id']}").get_json()
    assert (told["decision"], told["reason"]) == ("pending", "above_auto_approval_threshold")
    assert told["budget_id"] == str(budget)
    assert told["trace"]["rule"]["id"] == made["id"]
    assert told["trace"]["asked"]["amount"] == "250"
    assert told["trace"]["balance"]["authorized"] == "1000.0000"
    assert told["trace"]["matched"] == "exact"


def test_the_budget_above_that_refuses_is_named(api: Api, make_budget: MakeBudget) -> None:
    house, child = make_budget("100", department="House"), make_budget("1000")
    version = api.get(f"/budgets/{child}/control").get_json()["version"]
    api.patch(f"/budgets/{child}/control", {"parent_id": str(house)}, version)
    answer = check(api, "101")
    assert (answer["decision"], answer["reason"]) == ("rejected", "insufficient_funds")
    told = api.get(f"/checks/{answer['decision_id']}").get_json()
    assert told["trace"]["refused_above"] == str(house)
    assert check(api, "100")["decision"] == "approved"
