"""The accounts that a budget has had, one a period."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from bursar.errors import NotFound
from schema.tables import Budget, BudgetAccount, PastAccount

MOST = 200


def periods_of(session: Session, budget_id: UUID) -> Sequence[BudgetAccount]:
    """The accounts of a live budget, the open one first, at most MOST. Raises NotFound."""
    there = select(Budget.id).where(Budget.id == budget_id, Budget.deleted_at.is_(None))
    if session.execute(there).first() is None:
        raise NotFound("There is no such budget.")
    present = session.execute(
        select(BudgetAccount).where(
            BudgetAccount.budget_id == budget_id,
            BudgetAccount.line_key.is_(None),
            BudgetAccount.closed_at.is_(None),
        )
    )
    past = session.execute(
        select(BudgetAccount)
        .join(PastAccount, PastAccount.account_id == BudgetAccount.id)
        .where(PastAccount.budget_id == budget_id)
        .order_by(PastAccount.closed_at.desc(), BudgetAccount.opened_at.desc().nulls_last())
        .limit(MOST - 1)
    )
    return [*present.scalars(), *past.scalars()]


def require_account(session: Session, budget_id: UUID, account_id: UUID) -> UUID:
    """Make sure that an account is one of the budget's. Raises NotFound."""
    found = session.execute(
        select(BudgetAccount.id).where(
            BudgetAccount.id == account_id, BudgetAccount.budget_id == budget_id
        )
    ).scalar_one_or_none()
    if found is None:
        raise NotFound("The budget has no such account.")
    return found
