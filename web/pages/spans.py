"""The span of days that a page of reports is asked for, by name or from and to."""

from __future__ import annotations

from datetime import UTC, date, datetime

from flask import request
from sqlalchemy.orm import Session

from bursar.errors import BursarError, Fault, InvalidInput
from bursar.reports.ranges import RANGES, Calendar, Span, asked
from bursar.tenants import get_tenant
from web.auth import transaction

NAMED = {
    "month": "This month",
    "quarter": "This quarter",
    "year": "This year",
    "fiscal_quarter": "This fiscal quarter",
    "fiscal_year": "This fiscal year",
    "week": "This week",
    "today": "Today",
    "custom": "The days below",
}


def asked_for(session: Session) -> tuple[Span, BursarError | None]:
    """The span of the address; the present month, and why, where that makes no sense."""
    calendar, now = Calendar.of(get_tenant(session)), datetime.now(UTC)
    name = request.args.get("range", "")
    try:
        if name in RANGES:
            return asked(calendar, now, name=name), None
        first, last = _day("from"), _day("to")
        if first is None and last is not None:
            fault = Fault("/from", "missing", "A first day belongs to the last one.")
            raise InvalidInput(fault.detail, faults=[fault])
        return asked(calendar, now, first=first, last=last), None
    except InvalidInput as refusal:
        return asked(calendar, now), refusal


def known() -> Span:
    """The span of the address. Raises InvalidInput."""
    with transaction() as session:
        span, refusal = asked_for(session)
    if refusal is not None:
        raise refusal
    return span


def address(span: Span) -> dict[str, str]:
    """What asks for the same span again, of the API too."""
    if span.name in RANGES:
        return {"range": span.name}
    return {"from": span.first_day.isoformat(), "to": span.last_day.isoformat()}


def _day(name: str) -> date | None:
    text = request.args.get(name, "").strip()
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        detail = f"{text[:20]!r} is not a day such as 2026-12-31."
        raise InvalidInput(detail, faults=[Fault(f"/{name}", "invalid_day", detail)]) from None
