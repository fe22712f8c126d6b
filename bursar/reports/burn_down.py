"""What was left, day by day, and how it goes on: the line that a chart draws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from uuid import UUID

from sqlalchemy.orm import Session

from bursar.budgets.overview import totals
from bursar.reports.audit import daily_sums, use_by_day
from bursar.reports.burning import forecast
from bursar.reports.forecast import RunOut, run_out
from bursar.reports.ranges import Calendar, between

WINDOW_DAYS = 90
_DAY, _ZERO = timedelta(days=1), Decimal(0)


@dataclass(frozen=True, slots=True)
class BurnDown:
    """What was left at the end of each day, up to today, of what is authorized today.

    Amounts are in `currency`. `run_out` goes on as the days before did.
    """

    currency: str
    authorized: Decimal
    left: tuple[tuple[date, Decimal], ...]
    run_out: RunOut
    ends_on: date | None


def of_budget(
    session: Session, tenant_id: UUID, calendar: Calendar, now: datetime, budget_id: UUID
) -> BurnDown:
    """The line of one budget, and its forecast. Raises NotFound."""
    seen = forecast(session, tenant_id, calendar, now, budget_id, WINDOW_DAYS)
    left = _line(seen.today, seen.available, seen.by_day)
    return BurnDown(seen.currency, seen.authorized, left, seen.run_out, seen.period_ends_on)


def of_tenant(
    session: Session, tenant_id: UUID, calendar: Calendar, now: datetime
) -> list[BurnDown]:
    """A line for each currency, over all budgets together."""
    today = calendar.day_of(now)
    window = between(calendar, today - WINDOW_DAYS * _DAY, today)
    sums = daily_sums(session, tenant_id, calendar, window)
    found = []
    for total in totals(session):
        by_day = use_by_day(one for one in sums if one.currency == total.currency)
        left = _line(today, total.available, by_day)
        daily = [before - after for (_, before), (_, after) in pairwise(left)]
        used_today = daily[-1] if daily else _ZERO
        foreseen = run_out(today, total.available + used_today, daily[:-1])
        found.append(BurnDown(total.currency, total.authorized, left, foreseen, None))
    return found


def _line(
    today: date, available: Decimal, by_day: Mapping[date, Decimal]
) -> tuple[tuple[date, Decimal], ...]:
    """Back from what is available now; from the day before anything was used in the window."""
    first = min((day for day, used in by_day.items() if used), default=today) - _DAY
    left, points = available, []
    for n in range((today - first).days + 1):
        day = today - n * _DAY
        points.append((day, left))
        left += by_day.get(day, _ZERO)
    return tuple(reversed(points))
