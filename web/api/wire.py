"""What goes over the wire: amounts as decimal text with a currency, times in UTC, UUIDs."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
)

from bursar.money import to_wire


def _amount_text(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise ValueError("write the amount as decimal text")  # noqa: TRY004  pydantic's way
    if isinstance(value, Decimal):
        return str(value) if value.is_finite() else "NaN"
    return str(value).strip()


AmountIn = Annotated[
    str,
    BeforeValidator(_amount_text),
    Field(max_length=90),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": r"^[+-]?[0-9]{1,16}(\.[0-9]{1,4})?$"},
                {"type": "number"},
            ],
            "description": "Decimal text; a JSON number is read as decimal text too.",
        }
    ),
]
AmountOut = Annotated[str, Field(description="Decimal text in the currency beside it.")]
CurrencyCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
# No NUL: PostgreSQL's text cannot hold it, and nobody means it.
Text = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00]*$")]
LongText = Annotated[str, StringConstraints(max_length=4000, pattern=r"^[^\x00]*$")]


def _day(value: object) -> object:
    """A day as text; a bare number is none."""
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        raise ValueError("write a day as 2026-12-31")
    return value


Day = Annotated[date, BeforeValidator(_day)]


class Model(BaseModel):
    """A body that refuses what it does not know, so that a typing error is not lost."""

    model_config = ConfigDict(extra="forbid")


class Out(BaseModel):
    """An answer."""


class BudgetPath(BaseModel):
    """Which budget."""

    budget_id: UUID


class ListQuery(BaseModel):
    """How much of a list, from where."""

    limit: int = Field(50, ge=1, le=200, description="Rows a page.")
    cursor: Annotated[str, StringConstraints(max_length=500)] | None = Field(
        None, description="`next_cursor` of the page before."
    )


class Fault(Out):
    """One thing wrong with one place of the input."""

    pointer: str
    code: str
    detail: str


class Problem(Out):
    """An error (RFC 9457)."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    errors: list[Fault]


def time_text(moment: datetime | None) -> str | None:
    """RFC 3339 in UTC."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def amount_text(amount: Decimal | None, currency: str) -> str | None:
    """Decimal text with the currency's own decimals."""
    return None if amount is None else to_wire(amount, currency)


def percent_text(percent: Decimal | None) -> str | None:
    """A percentage as decimal text with two decimals at most."""
    return None if percent is None else format(round(percent, 2), "f")


_PROBLEM = {"schema": {"$ref": "#/components/schemas/Problem"}}


def problems(*statuses: int) -> dict[Any, Any]:
    """The refusals a route can give, for its description.

    One has the model, the others its name: working it out a thousand times takes half a second of
    every start.
    """
    found: dict[Any, Any] = {"422": Problem}
    for status in {401, 403, 429, 503} | set(statuses):
        found.setdefault(str(status), {"content": {"application/json": _PROBLEM}})
    return dict(sorted(found.items()))
