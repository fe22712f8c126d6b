"""Transfers above what a rule allows wait for somebody else; nothing moves until then."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.api_client import Api, code_of
from tests.conftest import MakeApi, MakeBudget


@pytest.fixture
def pair(make_budget: MakeBudget) -> tuple[UUID, UUID]:
    return make_budget("1000"), make_budget("10", sub_category="Other")


def rule(api: Api, up_to: str, **more: str) -> None:
    body = {"name": f"R{up_to}", "auto_approve_up_to": up_to, "covers": "transfers"} | more
    assert api.post("/approval-rules", body).status_code == 201


def move(api: Api, pair: tuple[UUID, UUID], amount: str) -> Any:
    body = {"from": str(pair[0]), "to": str(pair[1]), "amount": amount, "reason": "needed"}
    return api.post("/transfers", body)


def available(api: Api, budget: UUID) -> str:
    return str(api.get(f"/budgets/{budget}").get_json()["available"])


def test_up_to_the_rule_at_once_and_above_it_when_approved(
    api: Api, make_api: MakeApi, pair: tuple[UUID, UUID]
) -> None:
    rule(api, "100")
    assert move(api, pair, "100").status_code == 201
    asked = move(api, pair, "100.01")
    assert asked.status_code == 202
    request = asked.get_json()
    assert (request["state"], request["from"]) == ("pending", str(pair[0]))
    assert available(api, pair[0]) == "900.00"
    (alert,) = api.get("/alerts", type="transfer_pending").get_json()["data"]
    assert alert["state"] == "open"
    path = f"/transfer-requests/{request['id']}"
    assert code_of(api.post(f"{path}/approve", {})) == (403, "self_approval")
    assert code_of(make_api("member").post(f"{path}/approve", {})) == (403, "forbidden")
    made = make_api("approver").post(f"{path}/approve", {"reason": "fine"})
    assert made.get_json()["from"]["available"] == "799.99"
    assert available(api, pair[1]) == "210.01"
    read = api.get(path).get_json()
    assert (read["state"], read["decision_reason"], read["ref_id"]) == (
        "approved", "fine", made.get_json()["ref_id"],
    )  # fmt: skip
    assert code_of(make_api("fpa").post(f"{path}/reject", {})) == (409, "already_decided")
    (alert,) = api.get("/alerts", type="transfer_pending").get_json()["data"]
    assert alert["state"] == "resolved"
    entries = api.get("/ledger", ref_type="transfer", ref_id=read["ref_id"]).get_json()["data"]
    assert {entry["kind"] for entry in entries} == {"transfer_in", "transfer_out"}
    assert "asked for by" in entries[0]["reason"]


def test_what_is_no_more_there_is_refused_and_waits_on(
    api: Api, make_api: MakeApi, pair: tuple[UUID, UUID]
) -> None:
    rule(api, "0")
    request = move(api, pair, "800").get_json()
    body = {"amount": "500", "currency": "USD", "ref_id": uuid4().hex}
    api.post(f"/budgets/{pair[0]}/charges", body)
    path = f"/transfer-requests/{request['id']}"
    refused = make_api("approver").post(f"{path}/approve", {})
    assert code_of(refused) == (409, "insufficient_funds")
    assert api.get(path).get_json()["state"] == "pending"
    assert api.post(f"{path}/reject", {"reason": "mine"}).get_json()["state"] == "rejected"
    assert available(api, pair[0]) == "500.00"


def test_two_approvals_at_once_move_it_once(
    api: Api, make_api: MakeApi, pair: tuple[UUID, UUID]
) -> None:
    rule(api, "0")
    request = move(api, pair, "10").get_json()
    callers = [make_api("approver") for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(
            lambda one: one.post(f"/transfer-requests/{request['id']}/approve", {}), callers
        ))  # fmt: skip
    assert sorted(a.status_code for a in answers) == [200, 409, 409, 409, 409, 409]
    assert available(api, pair[1]) == "20.00"


def test_the_rule_that_says_most_decides_and_checks_have_their_own(
    api: Api, pair: tuple[UUID, UUID]
) -> None:
    rule(api, "5")
    rule(api, "500", department="Engineering")
    assert move(api, pair, "400").status_code == 201
    asked = {"department": "Engineering", "sub_category": "Software", "fiscal_period": "FY2025"}
    check = api.post("/budgets/check", asked | {"amount": "550"}).get_json()
    assert check["auto_approval_threshold"] == "5000.00"
    assert move(api, pair, "501").status_code == 202


def test_without_a_rule_nobody_is_asked(api: Api, pair: tuple[UUID, UUID]) -> None:
    assert move(api, pair, "1000").status_code == 201
    assert api.get("/transfer-requests").get_json()["data"] == []


def test_a_key_replays_a_request(api: Api, pair: tuple[UUID, UUID]) -> None:
    rule(api, "0")
    body = {"from": str(pair[0]), "to": str(pair[1]), "amount": "1", "reason": "needed"}
    named = {"Idempotency-Key": "same"}
    first, second = (api.post("/transfers", body, headers=named) for _ in range(2))
    assert first.get_json() == second.get_json()
    assert len(api.get("/transfer-requests").get_json()["data"]) == 1
