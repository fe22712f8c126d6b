"""The spans that reports cover: whole days of the tenant's calendar, as moments in UTC.

A span is half-open: a moment belongs to it when it is at or after the start and before the end, so
that spans that follow each other share nothing and leave nothing out, over clock changes too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal, get_args
from zoneinfo import ZoneInfo

from bursar.errors import Fault, InvalidInput
from bursar.fiscal import Period, fiscal_year
from schema.tables import Tenant

RangeName = Literal[
    "today", "week", "month", "quarter", "year", "fiscal_quarter", "fiscal_year"
]  # fmt: skip
RANGES: tuple[str, ...] = get_args(RangeName)
EARLIEST, LATEST = date(1900, 1, 1), date(2999, 12, 31)
_DAY, _INSTANT = timedelta(days=1), timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Calendar:
    """How a tenant counts days: its time zone, and the month in which its fiscal year starts."""

    zone: ZoneInfo
    fiscal_start_month: int = 1

    @classmethod
    def of(cls, tenant: Tenant) -> Calendar:
        """The calendar of a tenant."""
        return cls(ZoneInfo(tenant.time_zone), tenant.fiscal_start_month)

    def day_of(self, moment: datetime) -> date:
        """The day that a moment falls on here."""
        return moment.astimezone(self.zone).date()

    def fiscal_year_of(self, day: date) -> Period:
        """The fiscal year that a day belongs to."""
        start = self.fiscal_start_month
        return fiscal_year(day.year + (1 < start <= day.month), start)

    def start_of(self, day: date) -> datetime:
        """The first moment of a day, in UTC.

        Where midnight is skipped the day starts with the change of the clocks, and where midnight
        comes twice it starts with the first.
        """
        return datetime.combine(day, time(), self.zone).astimezone(UTC)

    def end_of(self, point: date | datetime) -> datetime:
        """The moment behind all that belongs to a day, or to a moment itself, in UTC."""
        if isinstance(point, datetime):  # a datetime is a date too, so this is asked first
            return point.astimezone(UTC) + _INSTANT
        return self.start_of(point + _DAY)


@dataclass(frozen=True, slots=True)
class Span:
    """Days from `first_day` to `last_day`, both included: `starts_at <= moment < ends_at`."""

    name: str
    first_day: date
    last_day: date
    starts_at: datetime
    ends_at: datetime


def _span(calendar: Calendar, name: str, first: date, last: date) -> Span:
    return Span(name, first, last, calendar.start_of(first), calendar.end_of(last))


def _moved(first: date, months: int) -> date:
    years, month0 = divmod(first.month - 1 + months, 12)
    return date(first.year + years, month0 + 1, 1)


def named(calendar: Calendar, name: str, day: date) -> Span:
    """The span of this name that `day` lies in.

    Weeks start on Monday; `quarter` and `year` are those of the calendar, `fiscal_quarter` and
    `fiscal_year` start with the tenant's fiscal year.
    """
    if name == "today":
        return _span(calendar, name, day, day)
    if name == "week":
        monday = day - timedelta(days=day.weekday())
        return _span(calendar, name, monday, monday + timedelta(days=6))
    start = calendar.fiscal_start_month if name.startswith("fiscal_") else 1
    months = {"month": 1, "quarter": 3, "year": 12}[name.removeprefix("fiscal_")]
    first = _moved(day.replace(day=1), -((day.month - start) % months))
    return _span(calendar, name, first, _moved(first, months) - _DAY)


def between(calendar: Calendar, first: date, last: date) -> Span:
    """The days from `first` to `last`, both included. Raises InvalidInput."""
    _require_known(first, "/from")
    _require_known(last, "/to")
    if last < first:
        fault = Fault("/to", "wrong_order", "The last day lies before the first.")
        raise InvalidInput(fault.detail, faults=[fault])
    return _span(calendar, "custom", first, last)


def asked(
    calendar: Calendar,
    now: datetime,
    *,
    name: str | None = None,
    first: date | None = None,
    last: date | None = None,
    as_of: date | datetime | None = None,
) -> Span:
    """The span that was asked for: by name, or by days; the month when nothing was said.

    `first` alone goes on to the present day. With `as_of` the present is that day or moment, and
    nothing after it belongs to the span. Raises InvalidInput.
    """
    if as_of is None:
        today, end = calendar.day_of(now), None
    else:
        today, end = _present(calendar, as_of)
    if first is None and last is None:
        span = named(calendar, name or "month", today)
    elif name is not None or first is None:
        fault = Fault("/range", "unclear_range", "Give either `range`, or `from` with `to`.")
        raise InvalidInput(fault.detail, faults=[fault])
    else:
        span = between(calendar, first, last or max(first, today))
    if end is None or span.ends_at <= end:
        return span
    if end <= span.starts_at:
        fault = Fault("/as_of", "wrong_order", "The range starts after `as_of`.")
        raise InvalidInput(fault.detail, faults=[fault])
    return replace(span, last_day=today, ends_at=end)


def _present(calendar: Calendar, as_of: date | datetime) -> tuple[date, datetime]:
    """The day of `as_of`, and the moment behind all that belongs to it. Raises InvalidInput."""
    end = end_of_point(calendar, as_of, "/as_of")
    return (calendar.day_of(as_of) if isinstance(as_of, datetime) else as_of), end


def end_of_point(calendar: Calendar, point: date | datetime, pointer: str) -> datetime:
    """The moment behind a day or a moment that was asked for at `pointer`. Raises InvalidInput."""
    _require_known(point.date() if isinstance(point, datetime) else point, pointer)
    return calendar.end_of(point)


def _require_known(day: date, pointer: str) -> None:
    if not EARLIEST <= day <= LATEST:
        fault = Fault(pointer, "out_of_range", f"Days from {EARLIEST} to {LATEST} are known.")
        raise InvalidInput(fault.detail, faults=[fault])
