"""When budgets that recur start anew: monthly, quarterly, yearly, by a calendar of one's own.

A period starts at the first moment of its first day where the tenant is. One that should start on a
day that its month does not have starts on the month's last day, and on the right day again in the
month after: the 31st of January is followed by the 28th of February and the 31st of March.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, get_args

from bursar import fiscal
from bursar.errors import Fault, InvalidInput

PeriodType = Literal["once", "monthly", "quarterly", "yearly", "rolling", "custom"]
PERIOD_TYPES: tuple[str, ...] = get_args(PeriodType)
_MONTHS = {"monthly": 1, "quarterly": 3, "yearly": 12}


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often something starts anew, and on which day.

    Quarters and years count from `fiscal_start_month`. `calendar` are the periods of a calendar of
    one's own, oldest first, for `custom`.
    """

    period_type: str
    reset_day: int = 1
    fiscal_start_month: int = 1
    calendar: Sequence[fiscal.Period] = ()

    def period_of(self, day: date) -> fiscal.Period | None:
        """The period that a day lies in; None for what never starts anew by date.

        Raises InvalidInput where the calendar of one's own has no period for the day.
        """
        if self.period_type == "custom":
            for period in self.calendar:
                if period.starts_on <= day <= period.ends_on:
                    return period
            raise _ended(day)
        months = _MONTHS.get(self.period_type)
        if months is None:
            return None
        first = self._start(day.year, day.month)
        if first > day:
            first = self._start(*_month_after(day.year, day.month, -1))
        back = (first.month - self.fiscal_start_month) % months
        if months > 1:
            first = self._start(*_month_after(first.year, first.month, -back))
        after = self._start(*_month_after(first.year, first.month, months))
        return fiscal.Period(self._code(first), "custom", first, after - timedelta(days=1))

    def next_reset(self, day: date) -> date | None:
        """The first day after `day` on which a period starts; None where none ever will by date."""
        if self.period_type == "custom":
            return min((p.starts_on for p in self.calendar if p.starts_on > day), default=None)
        period = self.period_of(day)
        return None if period is None else period.ends_on + timedelta(days=1)

    def should_reset(self, started_on: date, day: date) -> bool:
        """Whether what started on a day should have started anew by `day`."""
        due = self.next_reset(started_on)
        return due is not None and due <= day

    def _start(self, year: int, month: int) -> date:
        return date(year, month, min(self.reset_day, monthrange(year, month)[1]))

    def _code(self, first: date) -> str:
        """The canonical code where a period starts on the first of a month; else its first day."""
        if first.day != 1 or self.reset_day != 1:
            return first.isoformat()
        if self.period_type == "monthly":
            return fiscal.calendar_month(first.year, first.month).code
        start = self.fiscal_start_month
        year = first.year + (start > 1 and first.month >= start)
        if self.period_type == "yearly":
            return fiscal.fiscal_year(year, start).code
        return fiscal.fiscal_quarter(year, (first.month - start) % 12 // 3 + 1, start).code


def _month_after(year: int, month: int, months: int) -> tuple[int, int]:
    years, month0 = divmod(month - 1 + months, 12)
    return year + years, month0 + 1


def _ended(day: date) -> InvalidInput:
    fault = Fault(
        "/calendar", "calendar_ended", f"No period of the calendar covers {day}; add periods to it."
    )
    return InvalidInput(fault.detail, faults=[fault])
