"""All entries of a span, for files: read once and not kept, however many there are."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy.orm import Session

from bursar.money import to_wire
from bursar.reports.budgets import stream_rows
from bursar.reports.inert_files import Cell
from bursar.reports.ranges import Span

ENTRY_HEADER = (
    "budget_id", "department", "sub_category", "fiscal_period", "seq", "kind", "from_bucket",
    "to_bucket", "amount", "currency", "ref_type", "ref_id", "import_id", "actor", "reason",
    "effective_at", "recorded_at", "hash",
)  # fmt: skip


def entry_rows(
    session: Session, tenant_id: UUID, span: Span, budget_id: UUID | None = None
) -> Iterator[list[Cell]]:
    """Entries recorded in a span as the cells under `ENTRY_HEADER`, oldest first."""
    names = (tenant_id, span.starts_at, span.ends_at, budget_id)
    for row in stream_rows(session, "select * from report_entries(%s, %s, %s, %s::uuid)", names):
        yield [
            str(row.budget_id), row.department, row.sub_category, row.fiscal_period, row.seq,
            row.kind, row.from_bucket, row.to_bucket,
            Decimal(to_wire(row.amount, row.currency)), row.currency, row.ref_type, row.ref_id,
            None if row.import_id is None else str(row.import_id), row.actor, row.reason,
            _moment(row.effective_at), _moment(row.recorded_at), row.hash.hex(),
        ]  # fmt: skip


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
