"""Postings that are dated back: a day that a caller names, as the moment from which they count."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated

from pydantic import Field

from bursar.errors import Fault, InvalidInput
from bursar.reports.ranges import EARLIEST, Calendar
from bursar.tenants import get_tenant
from web.api.wire import Day
from web.auth import transaction

EffectiveOn = Annotated[
    Day | None,
    Field(
        description="The past day on which it counts; today without it. In a period that is closed,"
        " the first day that is open."
    ),
]


def dated(day: date | None) -> datetime | None:
    """The first moment of a past day where the tenant is; None for today. Raises InvalidInput."""
    if day is None:
        return None
    with transaction() as session:
        calendar = Calendar.of(get_tenant(session))
    today = calendar.day_of(datetime.now(UTC))
    if not EARLIEST <= day <= today:
        fault = Fault("/effective_on", "not_past", f"Name a day up to {today}.")
        raise InvalidInput(fault.detail, faults=[fault])
    return None if day == today else calendar.start_of(day)
