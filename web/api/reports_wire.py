"""How reports are asked for, and how they look on the wire."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, BeforeValidator, Field
from sqlalchemy.orm import Session

from bursar.reports.budgets import BudgetReport, Counters, Report, Totals
from bursar.reports.ranges import Calendar, RangeName, Span, asked, end_of_point
from bursar.tenants import get_tenant
from web.api.wire import (
    AmountOut,
    CurrencyCode,
    Day,
    Out,
    amount_text,
    percent_text,
    time_text,
)

_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_MOMENT = rf"{_DAY}[Tt ][0-9:.]+([Zz]|[+-][0-9]{{2}}:?[0-9]{{2}})"


def _point(value: object) -> object:
    """A day, or a moment with its zone, as text."""
    if not isinstance(value, str) or not re.fullmatch(f"{_DAY}|{_MOMENT}", value):
        raise ValueError("write a day as 2026-12-31, a moment as 2026-12-31T23:59:59Z")
    return value


Point = Annotated[AwareDatetime | date, BeforeValidator(_point)]


Format = Literal["json", "csv", "xlsx"]


class RangeQuery(BaseModel):
    """A span of days, by name or from and to. Without either the present month."""

    range: RangeName | None = Field(None, description="Which span around the present.")
    first: Day | None = Field(None, alias="from", description="The first day.")
    last: Day | None = Field(None, alias="to", description="The last day; it belongs to the span.")


class ReportQuery(RangeQuery):
    """A span of days, as seen from a day or a moment, as a kind of file."""

    as_of: Point | None = Field(
        None, description="The present of the report: what is effective later does not count."
    )
    known_at: Point | None = Field(
        None, description="What was recorded after this day or moment does not count."
    )
    format: Format = Field("json", description="What to answer with.")


@dataclass(frozen=True, slots=True)
class Scope:
    """What a report covers: a span, and how much was known."""

    span: Span
    known_before: datetime | None

    @classmethod
    def of(cls, session: Session, query: ReportQuery) -> Scope:
        """What a query asks for, in the calendar of the tenant. Raises InvalidInput."""
        calendar = Calendar.of(get_tenant(session))
        known = query.known_at
        span = asked(
            calendar, datetime.now(UTC),
            name=query.range, first=query.first, last=query.last, as_of=query.as_of,
        )  # fmt: skip
        if known is None:
            return cls(span, None)
        return cls(span, end_of_point(calendar, known, "/known_at"))


class SpanOut(Out):
    """The days of a report, both included, and the moments: from the first, before the second."""

    name: str
    from_: str = Field(alias="from")
    to: str
    starts_at: str
    ends_at: str


class CountersOut(Out):
    """What an account held at one moment; `balance` is what was used."""

    budgeted_amount: AmountOut
    reserved: AmountOut
    committed: AmountOut
    spent: AmountOut
    balance: AmountOut
    available: AmountOut


class MovedOut(Out):
    """The entries of one kind."""

    entries: int
    amount: AmountOut
    delta_budgeted: AmountOut
    delta_used: AmountOut


class MoneyOut(Out):
    """Opening and closing, and what moved in between."""

    currency: CurrencyCode
    opening: CountersOut
    closing: CountersOut
    utilization_percent: str | None
    entries: int
    by_kind: dict[str, MovedOut]


class BudgetRowOut(MoneyOut):
    """The report of one budget among others."""

    budget_id: UUID
    name: str
    department: str
    sub_category: str | None
    fiscal_period: str
    status: str


class ScopeOut(Out):
    """What a report covers."""

    range: SpanOut
    known_before: str | None


class BudgetReportOut(BudgetRowOut, ScopeOut):
    """The report of one budget."""


class TotalsOut(MoneyOut):
    """The sum of all budgets in one currency."""

    budgets: int


class TenantReportOut(ScopeOut):
    """The reports of all budgets, and their sums."""

    data: list[BudgetRowOut]
    totals: list[TotalsOut]


def span_wire(span: Span) -> dict[str, Any]:
    """A span of days."""
    return {
        "name": span.name,
        "from": span.first_day.isoformat(),
        "to": span.last_day.isoformat(),
        "starts_at": time_text(span.starts_at),
        "ends_at": time_text(span.ends_at),
    }


def scope_wire(scope: Scope) -> dict[str, Any]:
    """What a report covers."""
    return {"range": span_wire(scope.span), "known_before": time_text(scope.known_before)}


def budget_wire(report: BudgetReport) -> dict[str, Any]:
    """The report of one budget."""
    plain = ("name", "department", "sub_category", "fiscal_period", "status")
    return {
        "budget_id": str(report.budget_id),
        **{name: getattr(report, name) for name in plain},
        **_money_wire(report),
    }


def totals_wire(totals: Totals) -> dict[str, Any]:
    """The sum of all budgets in one currency."""
    return {"budgets": totals.budgets, **_money_wire(totals)}


def _money_wire(report: Report) -> dict[str, Any]:
    return {
        "currency": report.currency,
        "opening": _counters_wire(report.opening, report.currency),
        "closing": _counters_wire(report.closing, report.currency),
        "utilization_percent": percent_text(report.utilization_percent),
        "entries": report.entries,
        "by_kind": {
            kind: {
                "entries": moved.entries,
                "amount": amount_text(moved.amount, report.currency),
                "delta_budgeted": amount_text(moved.delta_authorized, report.currency),
                "delta_used": amount_text(moved.delta_used, report.currency),
            }
            for kind, moved in sorted(report.by_kind.items())
        },
    }


def _counters_wire(counters: Counters, currency: str) -> dict[str, Any]:
    figures = {
        "budgeted_amount": counters.authorized,
        "reserved": counters.reserved,
        "committed": counters.committed,
        "spent": counters.spent,
        "balance": counters.used,
        "available": counters.available,
    }
    return {name: amount_text(amount, currency) for name, amount in figures.items()}
