"""How reservations look on the wire."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, BeforeValidator, Field

from bursar.errors import Forbidden
from bursar.ledger.answers import Answer
from web.api.dating import EffectiveOn
from web.api.ledger import account_wire
from web.api.wire import (
    AmountIn,
    AmountOut,
    CurrencyCode,
    LongText,
    Model,
    Out,
    amount_text,
    time_text,
)
from web.auth import FUND, allows, principal

LONGEST_HOLD_SECONDS = 100 * 366 * 86_400
Reason = Annotated[LongText, Field(min_length=1)]
Reference = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00/]+$")]


def _future(value: object) -> object:
    """A moment written out (RFC 3339), ahead of now and within a lifetime."""
    if not isinstance(value, str) or value.isdigit():
        raise ValueError("write the time as text, such as 2026-12-31T23:59:59Z")
    try:
        moment = datetime.fromisoformat(value)
        seconds = (moment - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError, OverflowError):
        raise ValueError("write the time with its zone, such as 2026-12-31T23:59:59Z") from None
    if not 0 < seconds < LONGEST_HOLD_SECONDS:
        raise ValueError("the time must be ahead, and within a hundred years")
    return value


class ToReserve(Model):
    """Money to set aside under a reference of the caller."""

    amount: AmountIn
    currency: CurrencyCode
    ref_id: Reference
    ref_type: Reference = "reservation"
    expires_at: Annotated[AwareDatetime, BeforeValidator(_future)] | None = None


class ReservationIn(ToReserve):
    """A reservation to make."""

    stage: Literal["reserved", "committed"] = Field(
        "reserved", description="`committed` for an obligation without a reservation before it."
    )
    override: Reason | None = Field(
        None, description="Why the limit is passed; needs the right to fund."
    )


class ReservationOut(Out):
    """A reservation; `balance` is what is used of its budget."""

    ref_id: str
    ref_type: str
    budget_id: UUID
    state: Literal["reserved", "committed", "charged", "released", "expired"]
    amount: AmountOut
    charged: AmountOut
    released: AmountOut
    refunded: AmountOut
    remaining: AmountOut
    currency: CurrencyCode
    expires_at: str | None
    balance: AmountOut
    available: AmountOut
    utilization_percent: str | None
    soft_cap_exceeded: bool


class PartIn(Model):
    """A part of a reservation; left out, all that remains."""

    amount: AmountIn | None = None


class ChargePartIn(PartIn):
    """A part of a reservation to spend; left out, all that remains."""

    effective_on: EffectiveOn = None


class RefundIn(PartIn):
    """A part of what was charged; left out, all of it."""

    reason: Reason
    effective_on: EffectiveOn = None


class ReservationPath(BaseModel):
    """Which reservation."""

    ref_id: Reference


class RefTypeQuery(BaseModel):
    """The kind of reference, where it is not a plain reservation."""

    ref_type: Reference = "reservation"


def reservation_wire(answer: Answer) -> dict[str, Any]:
    """A reservation with the account after it."""
    account = account_wire(answer)
    del account["budgeted_amount"], account["hard_cap_approaching"]
    return {
        "ref_id": answer.ref_id,
        "ref_type": answer.ref_type,
        "state": answer.state,
        **{
            name: amount_text(getattr(answer, name), answer.currency)
            for name in ("amount", "charged", "released", "refunded", "remaining")
        },
        "expires_at": time_text(answer.expires_at),
        **account,
    }


def may_override(reason: str | None) -> str | None:
    """The reason to pass a limit, where this caller has the right to. Raises Forbidden."""
    role = principal().role
    if reason is not None and not allows(role, FUND):
        raise Forbidden(f"The role {role} may not pass a limit; it needs `{FUND}`.")
    return reason
