"""Whether this version reads the last imported files as they were read when they were loaded."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from itertools import groupby, islice
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bursar.errors import BursarError
from bursar.importing.choices.interpretation import interpret
from bursar.importing.choices.replaying import ROWS, FileChange, summary
from bursar.importing.cleaning.clean import BudgetRow, RejectedRow
from bursar.importing.runs import DONE, wish_of
from bursar.importing.stored import analyze_stored, clean_stored
from bursar.tenants import get_tenant
from schema.tables import ImportRow, ImportRun, StoredFile, Tenant

_SHOWN = 5
# What a row loads, in the words that both the reader and the plan use.
_LOADED = ("department", "sub_category", "fiscal_period", "currency", "amount")
Read = dict[int, list[tuple[Any, ...]]]


def reread_last(session: Session, last: int) -> dict[str, Any]:
    """Read the last imported files anew and compare each row with what was planned from it.

    In the shape of a template's replay; nothing is changed. At most ROWS rows of each file.
    """
    tenant = get_tenant(session)
    rows = session.execute(
        select(ImportRun, StoredFile)
        .join(
            StoredFile,
            (StoredFile.tenant_id == ImportRun.tenant_id) & (StoredFile.id == ImportRun.file_id),
        )
        .where(
            ImportRun.state.in_(DONE),
            ImportRun.duplicate_of.is_(None),
            ImportRun.continues_id.is_(None),
        )
        .order_by(ImportRun.created_at.desc())
        .limit(last)
    ).all()
    changes = [_compare(session, tenant, run, stored) for run, stored in rows]
    return summary(changes, limited=any(change.rows >= ROWS for change in changes))


def _compare(session: Session, tenant: Tenant, run: ImportRun, stored: StoredFile) -> FileChange:
    before = _planned(session, run)
    try:
        after = _read_now(session, tenant, run, stored)
    except BursarError as refusal:
        detail = f"No longer imports: {refusal.detail}"
        return FileChange(str(stored.id), stored.name, len(before), len(before), [], detail)
    differing = [row for row in sorted(before.keys() | after.keys())
                 if before.get(row) != after.get(row)]  # fmt: skip
    examples = [
        {"row": row, "before": _told(before.get(row)), "after": _told(after.get(row))}
        for row in differing[:_SHOWN]
    ]
    return FileChange(str(stored.id), stored.name, len(after), len(differing), examples)


def _planned(session: Session, run: ImportRun) -> Read:
    query = (
        select(ImportRow)
        .where(ImportRow.import_id == run.id, ImportRow.tenant_id == run.tenant_id)
        .order_by(ImportRow.row_no, ImportRow.part)
    )
    found: Read = {}
    for row in session.execute(query.execution_options(yield_per=2_000)).scalars():
        if row.row_no not in found and len(found) == ROWS:
            break
        # A row that is rejected for the state of its budget was read all right.
        was_read = row.amount is not None
        values = (row.department, row.sub_category, row.fiscal_period, row.currency, row.amount)
        found.setdefault(row.row_no, []).append(values if was_read else ())
    return found


def _read_now(session: Session, tenant: Tenant, run: ImportRun, stored: StoredFile) -> Read:
    recognised = analyze_stored(stored, tenant, sheet=run.sheet, header_row=run.header_row)
    reading = interpret(session, tenant, recognised, wish_of(run))
    rows = clean_stored(stored, tenant, reading.analysis, reading.wish)
    grouped = groupby(rows, key=lambda row: row.row)
    return {number: _values(group) for number, group in islice(grouped, ROWS)}


def _values(rows: Iterable[BudgetRow | RejectedRow]) -> list[tuple[Any, ...]]:
    return [
        ()
        if isinstance(row, RejectedRow)
        else (row.department, row.sub_category, row.fiscal_period, row.currency,
              Decimal(row.budgeted_amount))
        for row in rows
    ]  # fmt: skip


def _told(read: list[tuple[Any, ...]] | None) -> list[dict[str, str]] | None:
    if read is None:
        return None
    return [
        {n: str(v) for n, v in zip(_LOADED, one, strict=True) if v is not None}
        if one
        else {"errors": "rejected"}
        for one in read
    ]
