"""Decisions given again with what is known now."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from flask import Response
from flask_openapi3 import APIBlueprint, Tag
from pydantic import Field
from sqlalchemy.orm import Session

from bursar.errors import Fault, InvalidInput
from bursar.reports.ranges import Calendar, asked
from bursar.reports.replay import Flipped, flipped
from bursar.tenants import get_tenant
from web.api.reports_wire import RangeQuery, SpanOut, span_wire
from web.api.wire import AmountOut, CurrencyCode, Day, Out, amount_text, problems, time_text
from web.auth import READ, principal, require, transaction
from web.downloads import json_blocks, streamed

api = APIBlueprint(
    "replays", __name__, url_prefix="/api/v1/reports", abp_tags=[Tag(name="Reports")]
)


class DecisionsQuery(RangeQuery):
    """The days of the checks, and what is to be taken as known to them."""

    import_id: UUID | None = Field(
        None, description="Only this import, as if its file had come in time."
    )
    effective_on: Annotated[
        Day | None, Field(description="The day from which the import is to count.")
    ] = None


class ReplayedDecisionOut(Out):
    """A check that would be answered otherwise now."""

    decision_id: UUID
    budget_id: UUID
    currency: CurrencyCode
    amount: AmountOut
    decided_at: str
    actor: str
    decision: str
    reason: str
    available: AmountOut
    decision_now: str
    reason_now: str
    available_now: AmountOut
    late_entries: int


class ReplayedDecisionsOut(Out):
    """The checks of a span that would be answered otherwise now, oldest first."""

    range: SpanOut
    data: list[ReplayedDecisionOut]


@api.get("/decisions", responses={"200": ReplayedDecisionsOut, **problems(404)})
@require(READ)
def replay(query: DecisionsQuery) -> Response:
    """Checks that would be answered otherwise with what came to light since; nothing is changed."""
    if (query.import_id is None) != (query.effective_on is None):
        fault = Fault("/effective_on", "effective_on", "An import and its day go together.")
        raise InvalidInput(fault.detail, faults=[fault])
    tenant_id = principal().tenant_id
    with transaction() as session:
        calendar = Calendar.of(get_tenant(session))
        now = datetime.now(UTC)
        span = asked(calendar, now, name=query.range, first=query.first, last=query.last)
    day = query.effective_on
    effective = None if day is None else calendar.start_of(day)

    def blocks(session: Session) -> Iterator[bytes]:
        found = flipped(session, tenant_id, span, query.import_id, effective)
        return json_blocks({"range": span_wire(span)}, map(_wire, found))

    return streamed(blocks, "application/json")


def _wire(one: Flipped) -> dict[str, Any]:
    plain = ("actor", "decision", "reason", "decision_now", "reason_now", "late_entries")
    return {
        "decision_id": str(one.decision_id),
        "budget_id": str(one.budget_id),
        "currency": one.currency,
        **{
            name: amount_text(getattr(one, name), one.currency)
            for name in ("amount", "available", "available_now")
        },
        "decided_at": time_text(one.decided_at),
        **{name: getattr(one, name) for name in plain},
    }
