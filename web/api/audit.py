"""Questions of an auditor: the life of a reference, sums by day, counters that have drifted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint, Tag
from pydantic import Field
from sqlalchemy.orm import Session

from bursar.budgets.balances import get_balance, names_of
from bursar.errors import Fault, InvalidInput
from bursar.proof.reconcile import COUNTERS
from bursar.reports import audit
from bursar.reports.entries import ENTRY_HEADER, entry_rows
from bursar.reports.inert_files import Cell
from bursar.reports.ranges import Calendar, asked
from bursar.tenants import get_tenant
from web.api.ledger import EntryOut
from web.api.reports_wire import Format, RangeQuery, SpanOut, span_wire
from web.api.reservations_wire import Reference
from web.api.wire import (
    AmountOut,
    CurrencyCode,
    ListQuery,
    Out,
    amount_text,
    problems,
    time_text,
)
from web.auth import READ, principal, require, transaction
from web.downloads import json_blocks, streamed
from web.report_files import entries_file

api = APIBlueprint("audit", __name__, url_prefix="/api/v1", abp_tags=[Tag(name="Audit")])


class EntryQuery(RangeQuery, ListQuery):
    """A reference, or a budget and the days on which entries were recorded."""

    ref_id: Reference | None = Field(None, description="All that was posted under it, in order.")
    ref_type: Reference = Field("reservation", description="The kind of the reference.")
    budget_id: UUID | None = Field(None, description="The entries of a budget, newest first.")


class PlacedEntryOut(EntryOut):
    """An entry and its budget."""

    budget_id: UUID
    effective_at: str


class PlacedEntryPage(Out):
    """A page of entries."""

    data: list[PlacedEntryOut]
    next_cursor: str | None


class ExportQuery(RangeQuery):
    """The days on which entries were recorded, of one budget or of all."""

    budget_id: UUID | None = Field(None, description="Only this budget.")
    format: Format = Field("json", description="What to answer with.")


class ExportedOut(Out):
    """An entry as it is exported."""

    budget_id: UUID
    department: str
    sub_category: str | None
    fiscal_period: str
    seq: int
    kind: str
    from_bucket: str
    to_bucket: str
    amount: AmountOut
    currency: CurrencyCode
    ref_type: str | None
    ref_id: str | None
    import_id: str | None
    actor: str
    reason: str | None
    effective_at: str
    recorded_at: str
    hash: str


class ExportOut(Out):
    """All entries of a span."""

    range: SpanOut
    data: list[ExportedOut]


class DailyQuery(RangeQuery):
    """A span of days, of one budget or of all."""

    budget_id: UUID | None = Field(None, description="Only this budget.")


class DailySumOut(Out):
    """The entries of one kind and one currency on one day."""

    day: str
    currency: CurrencyCode
    kind: str
    entries: int
    amount: AmountOut
    delta_used: AmountOut


class DailyOut(Out):
    """Sums by day."""

    range: SpanOut
    data: list[DailySumOut]


class DiscrepancyOut(Out):
    """A budget whose counters do not follow from its entries."""

    budget_id: UUID
    name: str | None
    currency: CurrencyCode
    discrepancy: AmountOut
    stored: dict[str, str]
    derived: dict[str, str]
    entries: int


class DiscrepancyPage(Out):
    """Budgets with discrepancies."""

    data: list[DiscrepancyOut]
    next_cursor: str | None


@api.get("/ledger", responses={"200": PlacedEntryPage, **problems(404)})
@require(READ)
def find_entries(query: EntryQuery) -> Response:
    """Everything posted under a reference, oldest first; or the entries of a budget by day."""
    limit, cursor = query.limit, query.cursor
    with transaction() as session:
        if query.ref_id is not None:
            found = audit.entries_of_reference(
                session, query.ref_type, query.ref_id, limit=limit, cursor=cursor
            )
        elif query.budget_id is not None:
            calendar = Calendar.of(get_tenant(session))
            span = asked(
                calendar, datetime.now(UTC), name=query.range, first=query.first, last=query.last
            )
            found = audit.entries_of_budget(
                session, query.budget_id, span, limit=limit, cursor=cursor
            )
        else:
            fault = Fault("/ref_id", "reference_required", "Name a reference or a budget.")
            raise InvalidInput(fault.detail, faults=[fault])
        data = [_entry_wire(placed) for placed in found.rows]
    return jsonify(data=data, next_cursor=found.next_cursor)


def _entry_wire(placed: audit.Placed) -> dict[str, Any]:
    entry, currency = placed.entry, placed.currency
    plain = ("seq", "kind", "from_bucket", "to_bucket", "ref_type", "ref_id", "actor", "reason")
    return {
        **{name: getattr(entry, name) for name in plain},
        "budget_id": str(placed.budget_id),
        "amount": amount_text(entry.amount, currency),
        "delta_used": amount_text(entry.delta_used, currency),
        "currency": currency,
        "import_id": str(entry.import_id) if entry.import_id else None,
        "effective_at": time_text(entry.effective_at),
        "recorded_at": time_text(entry.recorded_at),
        "hash": entry.hash.hex(),
    }


@api.get("/ledger/export", responses={"200": ExportOut, **problems(404)})
@require(READ)
def export_entries(query: ExportQuery) -> Response:
    """All entries that were recorded in a span of days, oldest first, of one budget or of all."""
    tenant_id = principal().tenant_id
    with transaction() as session:
        calendar = Calendar.of(get_tenant(session))
        span = asked(
            calendar, datetime.now(UTC), name=query.range, first=query.first, last=query.last
        )
        if query.budget_id is not None:
            get_balance(session, query.budget_id)
    if query.format != "json":
        return entries_file(span, query.format, query.budget_id)

    def blocks(session: Session) -> Iterator[bytes]:
        rows = entry_rows(session, tenant_id, span, query.budget_id)
        return json_blocks({"range": span_wire(span)}, map(_exported, rows))

    return streamed(blocks, "application/json")


def _exported(row: list[Cell]) -> dict[str, Any]:
    texts = (str(cell) if isinstance(cell, Decimal) else cell for cell in row)
    return dict(zip(ENTRY_HEADER, texts, strict=True))


@api.get("/reports/daily", responses={"200": DailyOut, **problems(404)})
@require(READ)
def daily(query: DailyQuery) -> Response:
    """Entries by day, currency and kind: how many, and how much."""
    with transaction() as session:
        calendar = Calendar.of(get_tenant(session))
        span = asked(
            calendar, datetime.now(UTC), name=query.range, first=query.first, last=query.last
        )
        if query.budget_id is not None:
            get_balance(session, query.budget_id)  # or say that there is none
        sums = audit.daily_sums(session, principal().tenant_id, calendar, span, query.budget_id)
    data = [
        {
            "day": one.day.isoformat(),
            "currency": one.currency,
            "kind": one.kind,
            "entries": one.entries,
            "amount": amount_text(one.amount, one.currency),
            "delta_used": amount_text(one.delta_used, one.currency),
        }
        for one in sums
    ]
    return jsonify(range=span_wire(span), data=data)


@api.get("/reports/discrepancies", responses={"200": DiscrepancyPage, **problems()})
@require(READ)
def discrepancies(query: ListQuery) -> Response:
    """Budgets whose counters do not follow from their entries: none, in a ledger that is sound."""
    with transaction() as session:
        found = audit.discrepancies(
            session, principal().tenant_id, limit=query.limit, cursor=query.cursor
        )
        names = names_of(session, [row.budget_id for row in found.rows])
    data = [
        {
            "budget_id": str(row.budget_id),
            "name": names.get(row.budget_id),
            "currency": row.currency,
            "discrepancy": amount_text(row.discrepancy, row.currency),
            "stored": {c: amount_text(getattr(row, f"stored_{c}"), row.currency) for c in COUNTERS},
            "derived": {
                c: amount_text(getattr(row, f"derived_{c}"), row.currency) for c in COUNTERS
            },
            "entries": row.entries,
        }
        for row in found.rows
    ]
    return jsonify(data=data, next_cursor=found.next_cursor)
