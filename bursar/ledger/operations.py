"""Reserve, commit, charge, release, refund, spend: one SQL call each, safe to repeat."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from bursar.database import Database
from bursar.ledger.answers import Answer, Retry, answer_of, keyed


def reserve(
    database: Database,
    tenant_id: UUID,
    budget_id: UUID,
    amount: Decimal,
    currency: str,
    *,
    ref_id: str,
    actor: str,
    ref_type: str = "reservation",
    expires_at: datetime | None = None,
    stage: str = "reserved",
    override: str | None = None,
    retry: Retry | None = None,
) -> Answer:
    """Set `amount` aside under a reference. The same reference again gives the same answer.

    `stage` is `reserved`, or `committed` for an obligation without a reservation. With a reason to
    `override` no limit is looked at; the caller has made sure of the right to. Raises NotFound,
    InsufficientFunds, CurrencyMismatch, InvalidAmount, BudgetFrozen, ReferenceReused,
    IdempotencyKeyReused.
    """
    row = database.call(
        "select * from ledger_reserve(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            tenant_id, budget_id, amount, currency, ref_type, ref_id, expires_at, actor,
            *keyed(retry), stage, override,
        ),
    )  # fmt: skip
    return answer_of(row)


def charge(
    database: Database,
    tenant_id: UUID,
    ref_id: str,
    amount: Decimal | None,
    *,
    actor: str,
    ref_type: str = "reservation",
    dated: datetime | None = None,
    retry: Retry | None = None,
) -> Answer:
    """Spend what a reservation holds, all of it when `amount` is None.

    With `dated` it counts from that moment on, not from the present; where that lies in a
    period that is closed, from the first day that is open. Raises NotFound, AlreadyCharged,
    AlreadyReleased, AmountExceedsReservation, InvalidAmount, BudgetFrozen,
    IdempotencyKeyReused.
    """
    row = database.call(
        "select * from ledger_charge(%s, %s, %s, %s, %s, %s, %s, %s)",
        (tenant_id, ref_type, ref_id, amount, actor, *keyed(retry), dated),
    )
    return answer_of(row, "reservation")


def release(
    database: Database,
    tenant_id: UUID,
    ref_id: str,
    amount: Decimal | None,
    *,
    actor: str,
    ref_type: str = "reservation",
    retry: Retry | None = None,
) -> Answer:
    """Give back what a reservation holds, all of it when `amount` is None. Raises as `charge`."""
    row = database.call(
        "select * from ledger_release(%s, %s, %s, %s, %s, %s, %s)",
        (tenant_id, ref_type, ref_id, amount, actor, *keyed(retry)),
    )
    return answer_of(row, "reservation")


def commit(
    database: Database,
    tenant_id: UUID,
    ref_id: str,
    *,
    actor: str,
    ref_type: str = "reservation",
    retry: Retry | None = None,
) -> Answer:
    """Turn all that a reservation holds into an obligation.

    Raises NotFound, AlreadyCommitted, AlreadyCharged, AlreadyReleased, BudgetFrozen,
    IdempotencyKeyReused.
    """
    row = database.call(
        "select * from ledger_commit(%s, %s, %s, %s, %s, %s)",
        (tenant_id, ref_type, ref_id, actor, *keyed(retry)),
    )
    return answer_of(row, "reservation")


def refund(
    database: Database,
    tenant_id: UUID,
    ref_id: str,
    amount: Decimal | None,
    *,
    reason: str,
    actor: str,
    ref_type: str = "reservation",
    dated: datetime | None = None,
    retry: Retry | None = None,
) -> Answer:
    """Give back what was charged, all of it when `amount` is None; `dated` as in `charge`.

    Raises NotFound, NotCharged, AlreadyRefunded, AmountExceedsCharged, InvalidAmount, BudgetFrozen,
    IdempotencyKeyReused.
    """
    row = database.call(
        "select * from ledger_refund(%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (tenant_id, ref_type, ref_id, amount, reason, actor, *keyed(retry), dated),
    )
    return answer_of(row, "reservation")


def spend(
    database: Database,
    tenant_id: UUID,
    budget_id: UUID,
    amount: Decimal,
    currency: str,
    *,
    ref_id: str,
    actor: str,
    ref_type: str = "reservation",
    reason: str | None = None,
    override: str | None = None,
    dated: datetime | None = None,
    retry: Retry | None = None,
) -> Answer:
    """Spend `amount` without a reservation, under a reference; `dated` as in `charge`.

    Raises as `reserve`.
    """
    row = database.call(
        "select * from ledger_spend(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            tenant_id, budget_id, amount, currency, ref_type, ref_id, reason, actor,
            *keyed(retry), override, dated,
        ),
    )  # fmt: skip
    return answer_of(row)


def expire_holds(database: Database, tenant_id: UUID, limit: int = 500) -> int:
    """Release the tenant's reservations that have passed their expiry; returns how many."""
    return int(
        database.call("select ledger_expire_holds(%s, %s) as expired", (tenant_id, limit)).expired
    )


def read_account(database: Database, tenant_id: UUID, budget_id: UUID) -> Answer:
    """A budget's account as it stands. Raises NotFound."""
    row = database.call("select * from ledger_account(%s, %s)", (tenant_id, budget_id))
    return answer_of(row)


def read_hold(
    database: Database, tenant_id: UUID, ref_id: str, ref_type: str = "reservation"
) -> Answer:
    """A reservation as it stands, with its account. Raises NotFound."""
    row = database.call("select * from ledger_hold(%s, %s, %s)", (tenant_id, ref_type, ref_id))
    return answer_of(row, "reservation")
