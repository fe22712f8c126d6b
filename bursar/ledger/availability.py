"""Whether a sum can be spent, asked of live balances, never of a cache."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

import structlog

from bursar.database import Database
from bursar.errors import CurrencyMismatch, InvalidAmount
from bursar.money import exponents

log = structlog.get_logger("bursar.checks")


@dataclass(frozen=True, slots=True)
class Check:
    """The answer to a check, with the budget it was read from (None: there is no budget)."""

    available: bool
    decision: str
    reason: str
    decision_id: UUID
    matched: str | None
    can_auto_approve: bool
    auto_approval_threshold: Decimal
    budget_id: UUID | None
    currency: str
    authorized: Decimal | None
    committed: Decimal | None
    reserved: Decimal | None
    spent: Decimal | None
    balance_available: Decimal | None
    utilization_percent: Decimal | None


def check(
    database: Database,
    tenant_id: UUID,
    *,
    department: str,
    sub_category: str | None,
    fiscal_period: str,
    amount: Decimal,
    currency: str | None,
    actor: str,
) -> Check:
    """Find the budget (exact, else the department's own) and say whether `amount` fits.

    `fiscal_period` is a canonical code. Without `currency` the budget's own is meant. The decision
    is kept. Raises CurrencyMismatch, InvalidAmount.
    """
    row = database.call(
        "select * from budget_check(%s, %s, %s, %s, %s, %s, %s)",
        (tenant_id, department, sub_category, fiscal_period, amount, currency, actor),
    )
    if row.reason == "currency_mismatch":
        raise CurrencyMismatch(f"The budget is kept in {row.currency}, not in {currency}.")
    if row.reason == "invalid_amount":
        places = exponents().get(row.currency, 2)
        raise InvalidAmount(
            f"{amount} has more than the {places} decimals that {row.currency} has."
        )
    # Neither who asked nor how much: the decision keeps both, behind the tenant's wall.
    log.info(
        "budget checked", tenant_id=str(tenant_id), decision_id=str(row.decision_id),
        decision=row.decision, reason=row.reason,
    )  # fmt: skip
    return Check(
        available=row.fits,
        decision=row.decision,
        reason=row.reason,
        decision_id=row.decision_id,
        matched=row.matched,
        can_auto_approve=row.decision == "approved",
        auto_approval_threshold=row.threshold,
        budget_id=row.budget_id,
        currency=row.currency or currency or "",
        authorized=row.authorized,
        committed=row.committed,
        reserved=row.reserved,
        spent=row.spent,
        balance_available=row.available,
        utilization_percent=row.utilization_percent,
    )
