"""Reserve, charge, release, fund: one SQL call each, safe to repeat."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NoReturn
from uuid import UUID

from bursar import errors
from bursar.database import Database
from bursar.money import to_wire

# The refusals of `schema/functions/ledger_operations.sql`, as errors.
REFUSALS: dict[str, tuple[type[errors.BursarError], str]] = {
    "not_found": (errors.NotFound, "There is no such {what}."),
    "currency_mismatch": (errors.CurrencyMismatch, "The budget is kept in {currency}."),
    "invalid_amount": (
        errors.InvalidAmount,
        "The amount must be greater than zero and have no more decimals than {currency} has.",
    ),
    "budget_frozen": (errors.BudgetFrozen, ""),
    "insufficient_funds": (
        errors.InsufficientFunds,
        "Only {available} {currency} of the budget is available.",
    ),
    "reference_reused": (errors.ReferenceReused, ""),
    "already_charged": (errors.AlreadyCharged, ""),
    "already_released": (errors.AlreadyReleased, ""),
    "amount_exceeds_reservation": (
        errors.AmountExceedsReservation,
        "The reservation still holds {remaining} {currency}.",
    ),
    "idempotency_key_reused": (errors.IdempotencyKeyReused, ""),
}


@dataclass(frozen=True, slots=True)
class Retry:
    """An idempotency key and the hash of the request that it came with."""

    key: str
    request_hash: bytes

    @classmethod
    def of(cls, key: str, *parts: object) -> Retry:
        """Bind `key` to the content of a request."""
        text = json.dumps(parts, default=str, sort_keys=True)
        return cls(key, hashlib.sha256(text.encode()).digest())


@dataclass(frozen=True, slots=True)
class Answer:
    """What the ledger answered: the hold, where there is one, and the account after it.

    `balance` is what is used (reserved + committed + spent); amounts are in `currency`.
    """

    replayed: bool
    budget_id: UUID
    account_id: UUID
    ref_type: str | None
    ref_id: str | None
    state: str | None
    amount: Decimal | None
    charged: Decimal | None
    released: Decimal | None
    remaining: Decimal | None
    expires_at: datetime | None
    currency: str
    authorized: Decimal
    reserved: Decimal
    committed: Decimal
    spent: Decimal
    available: Decimal
    utilization_percent: Decimal | None
    soft_cap_exceeded: bool
    hard_cap_approaching: bool

    @property
    def balance(self) -> Decimal:
        """What is used of the budget."""
        return self.reserved + self.committed + self.spent


_FIELDS = tuple(Answer.__dataclass_fields__)


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
    retry: Retry | None = None,
) -> Answer:
    """Set `amount` aside under a reference. The same reference again gives the same answer.

    Raises NotFound, InsufficientFunds, CurrencyMismatch, InvalidAmount, BudgetFrozen,
    ReferenceReused, IdempotencyKeyReused.
    """
    row = database.call(
        "select * from ledger_reserve(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            tenant_id, budget_id, amount, currency, ref_type, ref_id, expires_at, actor,
            *_retry(retry),
        ),
    )  # fmt: skip
    return _answer(row, "budget")


def charge(
    database: Database,
    tenant_id: UUID,
    ref_id: str,
    amount: Decimal | None,
    *,
    actor: str,
    ref_type: str = "reservation",
    retry: Retry | None = None,
) -> Answer:
    """Spend what a reservation holds, all of it when `amount` is None.

    Raises NotFound, AlreadyCharged, AlreadyReleased, AmountExceedsReservation, InvalidAmount,
    BudgetFrozen, IdempotencyKeyReused.
    """
    row = database.call(
        "select * from ledger_charge(%s, %s, %s, %s, %s, %s, %s)",
        (tenant_id, ref_type, ref_id, amount, actor, *_retry(retry)),
    )
    return _answer(row, "reservation")


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
        (tenant_id, ref_type, ref_id, amount, actor, *_retry(retry)),
    )
    return _answer(row, "reservation")


def fund(
    database: Database,
    tenant_id: UUID,
    budget_id: UUID,
    amount: Decimal,
    currency: str,
    *,
    reason: str,
    actor: str,
    retry: Retry | None = None,
) -> Answer:
    """Add money to a budget. Raises NotFound, CurrencyMismatch, InvalidAmount, BudgetFrozen."""
    row = database.call(
        "select * from ledger_fund(%s, %s, %s, %s, %s, %s, %s, %s)",
        (tenant_id, budget_id, amount, currency, reason, actor, *_retry(retry)),
    )
    return _answer(row, "budget")


def expire_holds(database: Database, tenant_id: UUID, limit: int = 500) -> int:
    """Release the tenant's reservations that have passed their expiry; returns how many."""
    return int(
        database.call("select ledger_expire_holds(%s, %s) as expired", (tenant_id, limit)).expired
    )


def read_account(database: Database, tenant_id: UUID, budget_id: UUID) -> Answer:
    """A budget's account as it stands. Raises NotFound."""
    row = database.call("select * from ledger_account(%s, %s)", (tenant_id, budget_id))
    return _answer(row, "budget")


def read_hold(
    database: Database, tenant_id: UUID, ref_id: str, ref_type: str = "reservation"
) -> Answer:
    """A reservation as it stands, with its account. Raises NotFound."""
    row = database.call("select * from ledger_hold(%s, %s, %s)", (tenant_id, ref_type, ref_id))
    return _answer(row, "reservation")


def answer_of_row(row: Any) -> Answer:
    """Read a `ledger_answer` row, raising its refusal when it is one."""
    return _answer(row, "budget")


def _retry(retry: Retry | None) -> tuple[str | None, bytes | None]:
    return (retry.key, retry.request_hash) if retry else (None, None)


def _answer(row: Any, what: str) -> Answer:
    if row.code != "ok":
        _refuse(row, what)
    return Answer(**{name: getattr(row, name) for name in _FIELDS})


def _refuse(row: Any, what: str) -> NoReturn:
    error, wording = REFUSALS[row.code]
    amounts = {
        name: to_wire(getattr(row, name), row.currency)
        for name in ("available", "remaining")
        if getattr(row, name) is not None
    }
    extra: dict[str, object] = {}
    if row.code == "insufficient_funds":
        extra = {"available": amounts["available"], "currency": row.currency}
    raise error(wording.format(what=what, currency=row.currency, **amounts), extra=extra)
