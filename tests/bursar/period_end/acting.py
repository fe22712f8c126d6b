"""What tests of periods do to budgets, and look at."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text

from bursar.database import Database
from bursar.ledger import operations as ledger
from bursar.period_end.endings import Ending
from bursar.period_end.resets import reset
from bursar.proof.reconcile import broken_budgets
from schema.tables import BudgetRecurrence

Recur = Callable[..., BudgetRecurrence]


def spend(database: Database, tenant: UUID, budget: UUID, amount: str) -> None:
    ledger.spend(database, tenant, budget, Decimal(amount), "USD", ref_id=uuid4().hex, actor="test")


def reserve(database: Database, tenant: UUID, budget: UUID, amount: str) -> str:
    ref = uuid4().hex
    ledger.reserve(database, tenant, budget, Decimal(amount), "USD", ref_id=ref, actor="test")
    return ref


def start_anew(database: Database, tenant: UUID, budget: UUID, **more: Any) -> list[Ending]:
    with database.transaction(tenant, "test") as session:
        return reset(session, tenant, budget, actor="test", reason="test", **more)


def accounts(database: Database, tenant: UUID, budget: UUID) -> list[Any]:
    with database.transaction(tenant) as session:
        query = (
            "select * from budget_account where budget_id = :budget order by opened_at nulls first"
        )
        return list(session.execute(text(query), {"budget": budget}))


def all_proven(database: Database, tenant: UUID) -> None:
    with database.transaction(tenant) as session:
        assert broken_budgets(session, tenant) == []
