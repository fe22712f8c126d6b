"""Five vocabularies, one ledger: whatever happened, all of them say the same.

The department documents have budgeted, committed, reserved and available; the reward platform a
balance and what is available; the public programme a chain of approved, obligated and disbursed;
the events budgeted, actual and variance. `BURSAR_TEST_MODEL_RUNS=600` goes through 10,000 steps.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from hypothesis import HealthCheck, settings
from hypothesis.stateful import invariant, run_state_machine_as_test
from sqlalchemy import text

from bursar.database import Database
from bursar.tenants import create_key
from tests.bursar.ledger.test_model import RUNS, LedgerMachine

_CHAIN = """
select coalesce(sum(e.amount * ((e.from_bucket = 'external')::int
                                - (e.to_bucket = 'external')::int)), 0) as approved,
       coalesce(sum(e.amount * ((e.to_bucket in ('committed', 'spent'))::int
                                - (e.from_bucket in ('committed', 'spent'))::int)), 0) as obligated,
       coalesce(sum(e.amount * ((e.to_bucket = 'spent')::int - (e.from_bucket = 'spent')::int)), 0)
         as disbursed,
       coalesce(sum(ledger_delta_used(e.from_bucket, e.to_bucket, e.amount)), 0) as used
  from ledger_entry e join budget_account a on a.id = e.account_id and a.closed_at is null
 where a.budget_id = :budget
"""


class VocabularyMachine(LedgerMachine):
    """The same steps; after each of them every vocabulary is asked."""

    app: Flask
    steps = 0

    def __init__(self) -> None:
        super().__init__()
        with self.database.transaction(self.tenant, "model") as session:
            key = create_key(session, self.tenant, "admin")
        self.client = self.app.test_client()
        self.headers = {"Authorization": f"Bearer {key}"}

    def ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """An answer whose numbers are decimals."""
        how = "POST" if body else "GET"
        response = self.client.open(path, method=how, json=body, headers=self.headers)
        assert response.status_code == 200, response.text
        return response.get_json()

    @invariant()
    def all_say_the_same(self) -> None:
        type(self).steps += 1
        for name, budget in zip("AB", self.ids, strict=True):
            wire = self.ask(f"/api/v1/budgets/{budget}")
            a, r, c, s, left = (
                Decimal(wire[field])
                for field in ("budgeted_amount", "reserved", "committed", "spent", "available")
            )
            assert a == left + r + c + s
            self.departments(name, a, r, c, s, left)
            self.rewards(budget, a, r + c + s, left)
            self.programme_and_events(budget, a, r, c, s, left)

    def departments(self, name: str, a: Decimal, r: Decimal, c: Decimal, s: Decimal,
                    left: Decimal) -> None:  # fmt: skip
        asked = {"department": name, "fiscalPeriod": "FY2025", "amount": 1, "currency": "USD"}
        told = self.ask("/api/budget/check", asked | {"customerId": str(self.tenant)})["budget"]
        budgeted, committed, reserved, available = (
            Decimal(str(told[f])) for f in ("budgetedAmount", "committed", "reserved", "available")
        )
        assert (budgeted, committed, reserved, available) == (a, c + s, r, left)
        assert available == budgeted - committed - reserved

    def rewards(self, budget: UUID, a: Decimal, used: Decimal, left: Decimal) -> None:
        told = self.ask(f"/v1/tenants/{self.tenant}/budgets/{budget}/utilization")
        balance, available = (Decimal(str(told[field])) for field in ("balance", "available"))
        assert (balance, available) == (used, a - used) == (used, left)
        with self.database.transaction(self.tenant) as session:
            percent, current, calculated, discrepancy = session.execute(
                text(
                    "select get_budget_utilization(:b), current_balance, calculated_balance,"
                    " discrepancy from reconcile_budget(:b)"
                ),
                {"b": budget},
            ).one()
        assert (current, calculated, discrepancy) == (used, used, 0)
        exact = (used * 100 / a).quantize(Decimal("0.01"), ROUND_HALF_UP) if a > 0 else None
        assert percent == exact

    def programme_and_events(self, budget: UUID, a: Decimal, r: Decimal, c: Decimal, s: Decimal,
                             left: Decimal) -> None:  # fmt: skip
        with self.database.transaction(self.tenant) as session:
            chain = session.execute(text(_CHAIN), {"budget": budget}).one()
        assert (chain.approved, chain.obligated, chain.disbursed) == (a, c + s, s)
        assert chain.obligated - chain.disbursed == c  # undisbursed
        assert chain.approved - chain.obligated - r == left  # unobligated, earmarks taken off
        assert chain.used == r + c + s
        assert a - s == left + r + c  # variance is what is left and what is still held


@pytest.mark.timeout(0 if RUNS > 100 else 180)
def test_five_vocabularies_say_the_same_after_every_step(
    database: Database, app: Flask, record_property: Any
) -> None:
    machine = type("Machine", (VocabularyMachine,), {"database": database, "app": app})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=max(1, RUNS // 3),
            stateful_step_count=50,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    record_property("states", machine.steps)
    assert machine.steps > RUNS
