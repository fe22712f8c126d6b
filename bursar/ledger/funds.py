"""What a budget may use: fund it, move funds to another, take an entry back. One SQL call each."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from bursar.database import Database
from bursar.ledger.answers import Answer, Retry, answer_of, keyed


def fund(
    database: Database,
    tenant_id: UUID,
    budget_id: UUID,
    amount: Decimal,
    currency: str,
    *,
    reason: str,
    actor: str,
    dated: datetime | None = None,
    retry: Retry | None = None,
) -> Answer:
    """Add money to a budget; `dated` says from when on it counts, the present without it.

    Raises NotFound, CurrencyMismatch, InvalidAmount, BudgetFrozen, PeriodClosed.
    """
    row = database.call(
        "select * from ledger_fund(%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (tenant_id, budget_id, amount, currency, reason, actor, *keyed(retry), dated),
    )
    return answer_of(row)


def transfer(
    database: Database,
    tenant_id: UUID,
    giving: UUID,
    taking: UUID,
    amount: Decimal,
    currency: str,
    *,
    reason: str,
    actor: str,
    retry: Retry | None = None,
) -> tuple[Answer, Answer]:
    """Move authorized money from one budget to another; both accounts after it, the giving first.

    Raises NotFound, SameBudget, InsufficientFunds, CurrencyMismatch, InvalidAmount, BudgetFrozen,
    IdempotencyKeyReused.
    """
    rows = database.call_all(
        "select * from ledger_transfer(%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (tenant_id, giving, taking, amount, currency, reason, actor, *keyed(retry)),
    )
    gave, *took = [answer_of(row) for row in rows]
    return gave, took[0]


def reverse(
    database: Database,
    tenant_id: UUID,
    budget_id: UUID,
    seq: int,
    *,
    reason: str,
    actor: str,
    retry: Retry | None = None,
) -> Answer:
    """Post the inverse of an entry of a budget, once. What belongs to a hold takes it back too.

    Raises NotFound, NotReversible, AlreadyReversed, AlreadyCharged, AlreadyReleased,
    AlreadyRefunded, InsufficientFunds, BudgetFrozen, IdempotencyKeyReused.
    """
    row = database.call(
        "select * from ledger_reverse(%s, %s, %s, %s, %s, %s, %s)",
        (tenant_id, budget_id, seq, reason, actor, *keyed(retry)),
    )
    return answer_of(row, "entry")
