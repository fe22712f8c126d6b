"""Budgets that recur."""

from typing import Any
from uuid import UUID

import pytest

from bursar.database import Database
from bursar.period_end.recurrence import Recurrence, set_recurrence
from schema.tables import BudgetRecurrence
from tests.bursar.period_end.acting import Recur


@pytest.fixture
def recur(database: Database, tenant_id: UUID) -> Recur:
    """Gives a budget a recurrence, monthly unless said otherwise."""

    def set_it(budget: UUID, period_type: str = "monthly", **more: Any) -> BudgetRecurrence:
        with database.transaction(tenant_id, "test") as session:
            return set_recurrence(session, tenant_id, budget, Recurrence(period_type, **more))

    return set_it
