"""Holds that will hardly be charged are found, and given back on request only."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from tests.api_client import Api, code_of
from tests.conftest import MakeApi, MakeBudget

HOLDS = """
insert into hold (tenant_id, account_id, budget_id, ref_type, ref_id, state, amount, charged,
                  released, created_at, updated_at)
select tenant_id, id, budget_id, %(type)s, r, s, 10, case s when 'charged' then 10 else 0 end,
       case s when 'released' then 10 else 0 end, now() - a, now() - a + w
  from budget_account, unnest(%(refs)s::text[], %(states)s::text[], %(ages)s::interval[],
                              %(waits)s::interval[]) h (r, s, a, w)
 where budget_id = %(budget)s
"""


class Holds:
    """Holds of the past, written at once."""

    def __init__(self, superuser: psycopg.Connection, budget: UUID) -> None:
        self._superuser, self._budget = superuser, budget
        self._rows: list[tuple[str, str, timedelta, timedelta]] = []

    def add(self, ref: str, state: str, age_days: float, wait_days: float = 0) -> None:
        ago, wait = timedelta(days=age_days), timedelta(days=wait_days)
        self._rows.append((ref, state, ago, wait))

    def write(self, ref_type: str = "reservation") -> None:
        refs, states, ages, waits = (list(column) for column in zip(*self._rows, strict=True))
        names = {"type": ref_type, "refs": refs, "states": states, "ages": ages, "waits": waits,
                 "budget": self._budget}  # fmt: skip
        self._superuser.execute(HOLDS, names)
        open_money = 10 * states.count("open")
        self._superuser.execute(
            "update budget_account set reserved = reserved + %s where budget_id = %s",
            (open_money, self._budget),
        )
        self._superuser.commit()
        self._rows = []


@pytest.fixture
def holds(superuser: psycopg.Connection, make_budget: MakeBudget) -> Holds:
    return Holds(superuser, make_budget("1000000"))


def found(api: Api, **query: Any) -> dict[str, Any]:
    answer: dict[str, Any] = api.get("/reports/trapped", limit=200, **query).get_json()
    return answer


def test_nine_of_ten_that_are_found_are_trapped(api: Api, holds: Holds) -> None:
    """Lags of charges drawn by lot; one open hold of three will be charged in its own time."""
    draw = random.Random(11)
    lags = [draw.lognormvariate(1.5, 0.7) for _ in range(2000)]
    for n, lag in enumerate(lags[:1000]):
        holds.add(f"done-{n}", "charged", lag + draw.uniform(0, 90), lag)
    for n in range(50):
        holds.add(f"back-{n}", "released", 100, draw.uniform(1, 40))
    for n, lag in enumerate(lags[1000:1060]):  # still to be charged
        holds.add(f"due-{n}", "open", draw.uniform(0, lag))
    for n in range(120):
        holds.add(f"stuck-{n}", "open", draw.uniform(10, 150))
    holds.write()
    answer = found(api)
    named = [row["ref_id"] for row in answer["data"]]
    right = [ref for ref in named if ref.startswith("stuck-")]
    assert len(right) / len(named) >= 0.9
    assert len(right) >= 90
    assert answer["count"] == len(named)
    assert answer["releasable"] == {"USD": f"{10 * len(named)}.00"}
    probabilities = [float(row["probability"]) for row in answer["data"]]
    assert probabilities == sorted(probabilities)
    assert max(probabilities) <= 0.1


def test_one_that_waits_far_longer_than_any_is_found_alone(api: Api, holds: Holds) -> None:
    for n in range(100):
        holds.add(f"done-{n}", "charged", 60 + n / 10, 1 + n / 50)
    holds.add("stuck", "open", 90)
    holds.add("fresh", "open", 0.5)
    holds.write()
    answer = found(api)
    assert [row["ref_id"] for row in answer["data"]] == ["stuck"]
    row = answer["data"][0]
    assert (row["learned_from"], row["waited_seconds"] // 86_400) == (100, 90)
    assert row["usual_seconds"] < row["longest_seconds"] < 3 * 86_400
    assert {r["ref_id"] for r in found(api, max_probability="1")["data"]} == {"stuck", "fresh"}


def test_each_type_is_judged_by_its_own_past(api: Api, holds: Holds) -> None:
    for n in range(60):
        holds.add(f"done-{n}", "charged", 80, 1)
    holds.add("old", "open", 50)
    holds.write("order")
    for n in range(60):
        holds.add(f"done-{n}", "charged", 90, 70 + n / 10)
    holds.add("young", "open", 50)
    holds.write("contract")
    holds.add("unknown", "open", 900)  # nothing was ever charged of its type
    holds.write("other")
    assert [row["ref_id"] for row in found(api)["data"]] == ["old"]


def test_too_little_is_learned_from_a_few(api: Api, holds: Holds) -> None:
    for n in range(19):
        holds.add(f"done-{n}", "charged", 80, 1)
    holds.add("old", "open", 500)
    holds.write()
    assert found(api) == {"data": [], "count": 0, "releasable": {}}


def reserve(api: Api, budget: object, ref: str) -> None:
    body = {"amount": "10", "currency": "USD", "ref_id": ref}
    assert api.post(f"/budgets/{budget}/reservations", body).status_code == 201


def test_many_are_given_back_each_with_its_answer(api: Api, make_budget: MakeBudget) -> None:
    budget = make_budget("1000")
    for ref in ("a", "b", "c"):
        reserve(api, budget, ref)
    api.post("/reservations/b/charge", {})
    key = {"Idempotency-Key": uuid4().hex}
    body = {"ref_ids": ["a", "b", "nowhere", "c"]}
    first = api.post("/reports/trapped/release", body, headers=key)
    assert first.status_code == 200
    assert [(row["ref_id"], row["released"], row["code"]) for row in first.get_json()["data"]] == [
        ("a", True, None), ("b", False, "already_charged"), ("nowhere", False, "not_found"),
        ("c", True, None),
    ]  # fmt: skip
    assert api.get(f"/budgets/{budget}").get_json()["available"] == "990.00"
    again = api.post("/reports/trapped/release", body, headers=key)
    assert (again.get_json(), again.headers["Idempotency-Replayed"]) == (first.get_json(), "true")
    other = api.post("/reports/trapped/release", {"ref_ids": ["a"]}, headers=key)
    assert code_of(other) == (422, "idempotency_key_reused")
    reserve(api, budget, "a-again")  # what was given back can be set aside again


def test_who_may_only_read_gives_nothing_back(make_api: MakeApi) -> None:
    auditor = make_api("auditor")
    assert auditor.get("/reports/trapped").status_code == 200
    refused = auditor.post("/reports/trapped/release", {"ref_ids": ["a"]})
    assert code_of(refused) == (403, "forbidden")
