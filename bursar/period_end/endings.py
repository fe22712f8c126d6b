"""How the period of a budget ended: its last figures, and what went along to the next."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, get_args
from uuid import UUID

from bursar import errors

Rollover = Literal["reset", "carry_unspent", "carry_commitments", "carry_deficit", "carry_all"]
ROLLOVERS: tuple[str, ...] = get_args(Rollover)
CARRIED = ("unspent", "commitments", "backing", "deficit")

_REFUSALS: dict[str, type[errors.BursarError]] = {
    "not_found": errors.NotFound,
    "budget_frozen": errors.BudgetFrozen,
    "period_closed": errors.PeriodClosed,
    "already_closed": errors.PeriodClosed,
    "counters_disagree": errors.CountersDisagree,
    "currency_mismatch": errors.CurrencyMismatch,
    "invalid_amount": errors.InvalidAmount,
}


@dataclass(frozen=True, slots=True)
class Ending:
    """The account of a period at its end, in `currency`, and what goes along from it.

    `state` is `done`, `planned` for a dry run, or `already_done`. `backing` is the money for
    what budgets below, which this one controls, take along. `lapsed` is what stays behind
    unused; it is negative where a deficit is left behind. `allowance` is what the next period
    starts with before anything is carried over.
    """

    state: str
    budget_id: UUID
    from_account: UUID
    to_account: UUID | None
    currency: str
    period_code: str | None
    authorized: Decimal
    reserved: Decimal
    committed: Decimal
    spent: Decimal
    available: Decimal
    unspent: Decimal
    commitments: Decimal
    backing: Decimal
    deficit: Decimal
    lapsed: Decimal
    allowance: Decimal | None
    holds: int


_FIELDS = tuple(name for name in Ending.__dataclass_fields__ if name != "state")


def ending_of(row: Any, *, dry_run: bool) -> Ending:
    """Read a `ledger_ending` row; raises its refusal when it is one.

    Raises NotFound, BudgetFrozen, PeriodClosed, CountersDisagree, CurrencyMismatch, and
    InvalidAmount where what would be there is more than a budget holds.
    """
    if row.code not in ("ok", "already_reset"):
        raise _REFUSALS[row.code]
    state = "already_done" if row.code == "already_reset" else "planned" if dry_run else "done"
    return Ending(state=state, **{name: getattr(row, name) for name in _FIELDS})
