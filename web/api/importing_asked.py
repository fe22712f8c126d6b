"""What may be said about how a file is read, by an import and by a mapping template alike."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from web.api.wire import CurrencyCode, Model, Text

Header = Annotated[str, Field(max_length=500, pattern=r"^[^\x00]*$")]
Unit = Literal[1, 1_000, 1_000_000, 1_000_000_000]
ANSWERS = frozenset({"decimal_marks", "date_order", "unit", "units", "parents"})


class DefaultsIn(Model):
    """Values for fields that no column gives."""

    currency: CurrencyCode | None = None
    fiscal_period: Text | None = None
    department: Text | None = None
    sub_category: Text | None = None


class AnswersIn(Model):
    """What a person answers about the numbers of a file and the rows that sum up others."""

    decimal_marks: dict[Header, Literal[".", ","]] | None = None
    date_order: Literal["day_first", "month_first"] | None = None
    unit: Unit | None = None
    units: dict[Header, Unit] | None = None
    parents: Literal["leave_out", "load"] | None = None


def answers_of(asked: AnswersIn) -> dict[str, Any]:
    """The answers alone, as an import keeps them."""
    return asked.model_dump(include=set(ANSWERS), exclude_none=True)
