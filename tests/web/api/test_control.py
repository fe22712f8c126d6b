"""Levels of control, caps, and budgets that limit those below them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from bursar.database import Database
from bursar.proof.reconcile import broken_budgets
from tests.api_client import Api, code_of
from tests.conftest import MakeApi, MakeBudget


def control(api: Api, budget: UUID, **changes: Any) -> Any:
    version = api.get(f"/budgets/{budget}/control").get_json()["version"]
    return api.patch(f"/budgets/{budget}/control", changes, version)


def reserve(api: Api, budget: UUID, amount: str, ref: str = "") -> Any:
    body = {"amount": amount, "currency": "USD", "ref_id": ref or uuid4().hex}
    return api.post(f"/budgets/{budget}/reservations", body)


def available(api: Api, budget: UUID) -> str:
    return str(api.get(f"/budgets/{budget}").get_json()["available"])


@pytest.mark.parametrize(
    ("changes", "most"),
    [
        ({"tolerance_percent": "10"}, "110"),
        ({"hard_cap_amount": "90"}, "90"),
        ({"tolerance_percent": "50", "hard_cap_amount": "120.50"}, "120.50"),
    ],
)
def test_the_limit_is_what_is_authorized_with_tolerance_under_the_cap(
    api: Api, make_budget: MakeBudget, changes: dict[str, str], most: str
) -> None:
    budget = make_budget("100")
    assert control(api, budget, **changes).status_code == 200
    assert code_of(reserve(api, budget, f"{float(most) + 0.01:.2f}")) == (409, "insufficient_funds")
    assert reserve(api, budget, most).status_code == 201


@pytest.mark.parametrize("level", ["none", "advisory"])
def test_without_absolute_control_nothing_is_refused(
    api: Api, make_budget: MakeBudget, level: str
) -> None:
    budget = make_budget("100")
    changed = control(api, budget, control_mode=level)
    assert changed.get_json()["control_mode"] == level
    assert reserve(api, budget, "250").status_code == 201
    assert available(api, budget) == "-150.00"


def test_who_changed_the_level_is_in_the_trail(
    api: Api, make_budget: MakeBudget, superuser: psycopg.Connection
) -> None:
    budget = make_budget("100")
    control(api, budget, control_mode="advisory")
    rows = superuser.execute(
        "select diff, actor from audit_log where object_id = %s and action = 'control'", (budget,)
    ).fetchall()
    assert [row[0] for row in rows] == [{"control_mode": ["absolute", "advisory"]}]
    assert rows[0][1]


def test_a_stale_or_senseless_change_is_refused(api: Api, make_budget: MakeBudget) -> None:
    budget = make_budget("100")
    assert code_of(api.patch(f"/budgets/{budget}/control", {}, None)) == (428, "version_required")
    stale = api.patch(f"/budgets/{budget}/control", {"control_mode": "none"}, 99)
    assert code_of(stale) == (412, "version_stale")
    crossed = control(api, budget, soft_cap_percent="96")
    assert code_of(crossed) == (422, "invalid_input")
    assert code_of(control(api, budget, parent_id=str(uuid4()))) == (404, "not_found")
    assert code_of(control(api, budget, parent_id=str(budget))) == (422, "invalid_input")
    assert code_of(control(api, budget, tolerance_percent="-1")) == (422, "invalid_input")


@pytest.fixture
def tree(api: Api, make_budget: MakeBudget) -> tuple[UUID, UUID, UUID]:
    """A house of 1,000 with two departments of 800 each below it."""
    house = make_budget("1000", department="House")
    children = [make_budget("800", department=name) for name in ("A", "B")]
    for child in children:
        assert control(api, child, parent_id=str(house)).status_code == 200
    return house, children[0], children[1]


def test_children_together_stop_at_the_cap_above_them(
    api: Api, tree: tuple[UUID, UUID, UUID]
) -> None:
    house, a, b = tree
    assert reserve(api, a, "700", "a1").status_code == 201
    assert available(api, house) == "300.00"
    assert code_of(reserve(api, b, "301")) == (409, "insufficient_funds")
    assert reserve(api, b, "300", "b1").status_code == 201
    assert code_of(reserve(api, house, "1")) == (409, "insufficient_funds")
    api.post("/reservations/a1/charge", {"amount": "200"})
    api.post("/reservations/a1/release", {})
    assert available(api, house) == "500.00"
    api.post("/reservations/a1/refund", {"reason": "x"})
    assert available(api, house) == "700.00"
    assert api.get(f"/budgets/{house}/control").get_json()["rolled_up"] == "300.00"


def test_a_race_of_children_never_passes_the_cap_above(
    api: Api, make_api: MakeApi, tree: tuple[UUID, UUID, UUID], database: Database, tenant_id: UUID
) -> None:
    house, a, b = tree
    callers = [make_api() for _ in range(8)]

    def one(n: int) -> int:
        return int(reserve(callers[n % 8], (a, b)[n % 2], "50").status_code)

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(one, range(40)))
    assert statuses.count(201) == 20
    assert available(api, house) == "0.00"
    with database.transaction(tenant_id) as session:
        assert broken_budgets(session, tenant_id) == []


def test_a_batch_below_a_cap_keeps_to_it(api: Api, tree: tuple[UUID, UUID, UUID]) -> None:
    _, a, b = tree
    items = [
        {"budget_id": str(budget), "amount": "400", "currency": "USD", "ref_id": uuid4().hex}
        for budget in (a, b, a)
    ]
    made = api.post("/reservations/batch", {"items": items}).get_json()["data"]
    assert sorted(one["status"] for one in made) == [201, 201, 409]


def test_a_budget_moves_with_what_it_uses(
    api: Api, tree: tuple[UUID, UUID, UUID], make_budget: MakeBudget
) -> None:
    house, a, _ = tree
    reserve(api, a, "700")
    other = make_budget("900", department="Other")
    control(api, a, parent_id=str(other))
    assert (available(api, house), available(api, other)) == ("1000.00", "200.00")
    control(api, house, parent_id=str(a))
    assert code_of(control(api, other, parent_id=str(house))) == (422, "invalid_input")
    control(api, a, parent_id=None)
    assert available(api, other) == "900.00"


def test_a_house_above_a_house_limits_too(
    api: Api, tree: tuple[UUID, UUID, UUID], make_budget: MakeBudget
) -> None:
    house, a, _ = tree
    group = make_budget("500", department="Group")
    control(api, house, parent_id=str(group))
    assert code_of(reserve(api, a, "501")) == (409, "insufficient_funds")
    control(api, house, control_mode="none")
    assert reserve(api, a, "450").status_code == 201
    assert (available(api, group), available(api, house)) == ("50.00", "1000.00")
    control(api, group, control_mode="advisory")
    assert reserve(api, a, "350").status_code == 201
    assert available(api, group) == "500.00"


def test_a_parent_of_another_currency_does_not_control(api: Api, make_budget: MakeBudget) -> None:
    house = make_budget("1000", currency="ZWG", department="House")
    child = make_budget("100")
    assert code_of(control(api, child, parent_id=str(house))) == (422, "currency_mismatch")
    control(api, house, control_mode="none")
    assert control(api, child, parent_id=str(house)).status_code == 200
