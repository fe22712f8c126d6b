"""What the budgets of a tenant come to, and which of them need somebody first."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from bursar.budgets.balances import BALANCE, live
from bursar.plans import Way, without
from schema.tables import Alert, Budget, BudgetAccount

LOOKED_AT = 200  # open alerts, the newest, among which the budgets in need are found
_GRAVITY = {"critical": 0, "warning": 1, "info": 2}


@dataclass(frozen=True, slots=True)
class Total:
    """The sums over all live budgets of one currency."""

    currency: str
    budgets: int
    authorized: Decimal
    reserved: Decimal
    committed: Decimal
    spent: Decimal

    @property
    def used(self) -> Decimal:
        """What is set aside or gone."""
        return self.reserved + self.committed + self.spent

    @property
    def available(self) -> Decimal:
        """What is left; below zero where more is used than there is."""
        return self.authorized - self.used

    @property
    def utilization_percent(self) -> Decimal | None:
        """How much of it is used; None where nothing was authorized."""
        return round(self.used * 100 / self.authorized, 4) if self.authorized > 0 else None


@dataclass(frozen=True, slots=True)
class InNeed:
    """A budget with open alerts: its row of balances, and the gravest alert first."""

    budget: Any
    alerts: tuple[Alert, ...]


def totals(
    session: Session, among: Select[tuple[UUID]] | None = None, *, many: bool = False
) -> list[Total]:
    """What all live budgets come to, by currency; or those of a query for ids of live budgets.

    Where it finds `many` of them, accounts are read together and not one by one.
    """
    account = BudgetAccount
    query = (
        select(
            account.currency,
            func.count(),
            *(func.sum(one) for one in (account.authorized, account.reserved)),
            *(func.sum(one) for one in (account.committed, account.spent)),
        )
        .where(account.line_key.is_(None), account.closed_at.is_(None))
        .group_by(account.currency)
        .order_by(account.currency)
    )
    if among is not None:
        query = query.where(account.budget_id.in_(among))
    else:
        # A deleted budget's account is frozen, so few are asked for their budget.
        alive = select(Budget.id).where(Budget.id == account.budget_id, Budget.deleted_at.is_(None))
        query = query.where(or_(~account.frozen, alive.exists()))
    ways: tuple[Way, ...] = ("indexscan", "nestloop") if many or among is None else ()
    with without(session, *ways) if ways else nullcontext():
        rows = session.execute(query).all()
    return [Total(currency, budgets, *amounts) for currency, budgets, *amounts in rows]


def in_need(session: Session, limit: int = 8) -> list[InNeed]:
    """The budgets of the newest open alerts, the gravest and then the most used first."""
    newest = (
        select(Alert)
        .where(Alert.state != "resolved", Alert.budget_id.is_not(None))
        .order_by(Alert.created_at.desc(), Alert.id.desc())
        .limit(LOOKED_AT)
    )
    of: dict[UUID, list[Alert]] = {}
    for alert in session.execute(newest).scalars():
        if alert.budget_id is not None:
            of.setdefault(alert.budget_id, []).append(alert)
    rows = session.execute(live().where(BALANCE.c.id.in_(of))).all()
    found = [
        InNeed(row, tuple(sorted(of[row.id], key=lambda one: _GRAVITY[one.severity])))
        for row in rows
    ]
    return sorted(found, key=_gravest_first)[:limit]


def _gravest_first(one: InNeed) -> tuple[int, Decimal, str]:
    used = one.budget.utilization_percent
    return (_GRAVITY[one.alerts[0].severity], -(used or Decimal(0)), one.budget.name)
