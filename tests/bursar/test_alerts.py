"""Alerts about caps: once a crossing, not again while they hold, ended when the budget is back."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from bursar import alerts
from bursar.budgets.balances import get_balance
from bursar.budgets.control import change_control
from bursar.budgets.editing import edit_budget
from bursar.database import Database
from bursar.jobs.sweep import tenants_with_due
from bursar.ledger import operations
from bursar.telling import tell_noted
from tests.conftest import MakeBudget


class Watched:
    """A budget of 1,000, and what is said about it."""

    def __init__(self, database: Database, tenant_id: UUID, budget: UUID) -> None:
        self.database, self.tenant_id, self.budget = database, tenant_id, budget

    def reserve(self, amount: str) -> str:
        ref = uuid4().hex
        operations.reserve(
            self.database, self.tenant_id, self.budget, Decimal(amount), "USD", ref_id=ref,
            actor="test",
        )  # fmt: skip
        return ref

    def release(self, ref: str, amount: str | None = None) -> None:
        part = Decimal(amount) if amount else None
        operations.release(self.database, self.tenant_id, ref, part, actor="test")

    def told(self) -> list[str]:
        """Types of all alerts so far, in order, after what the housekeeping does."""
        with self.database.transaction(self.tenant_id, "system") as session:
            tell_noted(session, self.tenant_id)
            alerts.resolve_past(session, self.tenant_id)
            page = alerts.list_alerts(session, budget_id=self.budget)
            return [row.Alert.type for row in reversed(page.rows)]

    def open(self) -> list[str]:
        with self.database.transaction(self.tenant_id) as session:
            page = alerts.list_alerts(session, budget_id=self.budget)
            return [row.Alert.type for row in page.rows if row.Alert.state != "resolved"]


@pytest.fixture
def watched(database: Database, tenant_id: UUID, make_budget: MakeBudget) -> Watched:
    return Watched(database, tenant_id, make_budget("1000"))


def test_a_budget_around_its_line_is_told_of_once(watched: Watched) -> None:
    ref = watched.reserve("810")
    assert watched.told() == ["threshold_warning"]
    watched.release(ref, "30")
    assert watched.open() == ["threshold_warning"], "78 % is not clearly below 80 %"
    watched.reserve("30")
    assert watched.told() == ["threshold_warning"]


def test_a_budget_that_is_back_is_told_of_again(watched: Watched) -> None:
    ref = watched.reserve("960")
    assert watched.told() == ["threshold_exceeded"]
    watched.release(ref, "300")
    watched.told()
    assert watched.open() == []
    watched.reserve("300")
    assert watched.told() == ["threshold_exceeded", "threshold_exceeded"]
    assert watched.tenant_id in tenants_with_due(watched.database, "alerts")


def test_more_spent_than_authorized_is_an_alert_of_its_own(watched: Watched) -> None:
    operations.spend(
        watched.database, watched.tenant_id, watched.budget, Decimal("1000.01"), "USD",
        ref_id="late invoice", override="it has to be paid", actor="test",
    )  # fmt: skip
    assert watched.told() == ["over_budget"]
    operations.refund(
        watched.database, watched.tenant_id, "late invoice", Decimal("0.01"), reason="credit",
        actor="test",
    )  # fmt: skip
    watched.told()
    assert watched.open() == []


def make_part(
    database: Database, tenant_id: UUID, make_budget: MakeBudget, amount: str, above: UUID
) -> UUID:
    part = make_budget(amount, sub_category=f"Part {uuid4().hex[:6]}")
    with database.transaction(tenant_id, "test") as session:
        changes = {"parent_id": above, "control_mode": "none"}
        change_control(session, tenant_id, part, 1, changes)
    return part


@pytest.mark.parametrize(
    ("others", "expected"), [("480", "line_item_overrun"), ("900", "over_budget")]
)
def test_a_part_that_overruns_is_named_while_the_whole_has_enough(
    database: Database, tenant_id: UUID, make_budget: MakeBudget, others: str, expected: str
) -> None:
    whole = make_budget("1000", sub_category="All")
    with database.transaction(tenant_id, "test") as session:
        change_control(session, tenant_id, whole, 1, {"control_mode": "advisory"})
    part, rest = (
        make_part(database, tenant_id, make_budget, amount, whole) for amount in ("100", "1000")
    )
    for budget, amount in ((rest, others), (part, "120")):
        operations.spend(
            database, tenant_id, budget, Decimal(amount), "USD", ref_id=uuid4().hex, actor="t"
        )
    with database.transaction(tenant_id, "system") as session:
        tell_noted(session, tenant_id)
        raised = [row.Alert for row in alerts.list_alerts(session).rows]
        about_part = [one for one in raised if one.budget_id == part]
        assert [one.type for one in about_part] == [expected]
        assert expected == "over_budget" or "Part" in about_part[0].message


@pytest.mark.parametrize(
    ("spent", "raised"), [("880", True), ("1120", True), ("950", False), ("900", False)]
)
def test_a_budget_that_ends_far_from_its_plan_is_told_of(
    database: Database, tenant_id: UUID, make_budget: MakeBudget, spent: str, raised: bool
) -> None:
    budget = make_budget("1000")
    with database.transaction(tenant_id, "test") as session:
        change_control(session, tenant_id, budget, 1, {"control_mode": "none"})
    operations.spend(
        database, tenant_id, budget, Decimal(spent), "USD", ref_id=uuid4().hex, actor="t"
    )
    with database.transaction(tenant_id, "test") as session:
        for _ in range(2):  # once, however often it is said
            version = get_balance(session, budget).row_version
            edit_budget(session, tenant_id, budget, version, {"status": "finalized"}, "test")
        found = alerts.list_alerts(session, kind="variance_high").rows
    assert len(found) == raised
