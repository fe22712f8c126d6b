"""Alerts about caps: once a crossing, not again while they hold, ended when the budget is back."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from bursar import alerts
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
