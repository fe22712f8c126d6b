"""What the ledger answers, and its refusals as errors."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NoReturn
from uuid import UUID

from bursar import errors
from bursar.money import to_wire

# The refusals of `schema/functions/ledger_*.sql`, as errors.
REFUSALS: dict[str, tuple[type[errors.BursarError], str]] = {
    "not_found": (errors.NotFound, "There is no such {what}."),
    "currency_mismatch": (errors.CurrencyMismatch, "The budget is kept in {currency}."),
    "invalid_amount": (
        errors.InvalidAmount,
        "The amount must be greater than zero and have no more decimals than {currency} has.",
    ),
    "budget_frozen": (errors.BudgetFrozen, ""),
    "period_closed": (errors.PeriodClosed, ""),
    "insufficient_funds": (
        errors.InsufficientFunds,
        "Only {available} {currency} of the budget is available.",
    ),
    "below_used": (
        errors.BelowUsed,
        "The budget would fall below what is reserved, committed and spent on it.",
    ),
    "reference_reused": (errors.ReferenceReused, ""),
    "already_charged": (errors.AlreadyCharged, ""),
    "already_released": (errors.AlreadyReleased, ""),
    "amount_exceeds_reservation": (
        errors.AmountExceedsReservation,
        "The reservation still holds {remaining} {currency}.",
    ),
    "already_committed": (errors.AlreadyCommitted, ""),
    "not_charged": (errors.NotCharged, ""),
    "already_refunded": (errors.AlreadyRefunded, ""),
    "amount_exceeds_charged": (
        errors.AmountExceedsCharged,
        "No more can be refunded than was charged and not refunded yet.",
    ),
    "not_reversible": (errors.NotReversible, ""),
    "already_reversed": (errors.AlreadyReversed, ""),
    "batch_refused": (errors.BatchRefused, ""),
    "same_budget": (errors.SameBudget, ""),
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
    refunded: Decimal | None
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
    entry_seq: int

    @property
    def balance(self) -> Decimal:
        """What is used of the budget."""
        return self.reserved + self.committed + self.spent


_FIELDS = tuple(Answer.__dataclass_fields__)


def keyed(retry: Retry | None) -> tuple[str | None, bytes | None]:
    """The last two arguments of each operation's SQL function."""
    return (retry.key, retry.request_hash) if retry else (None, None)


def answer_of(row: Any, what: str = "budget") -> Answer:
    """Read a `ledger_answer` row; raises its refusal when it is one, in words about `what`."""
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
