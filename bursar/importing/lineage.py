"""From a budget's number back to the cells that it came from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from bursar.fiscal import resolve
from bursar.tenants import get_tenant
from schema.tables import ImportRow, ImportRun, LedgerEntry, StoredFile

MOST_CELLS = 1_000


@dataclass(frozen=True, slots=True)
class Source:
    """One cell that went into a budget. `row` counts from 1 as a spreadsheet shows it; `cell` is
    its address, such as F17, where the column is known; `amount` is in the budget's currency.
    """

    import_id: UUID
    file_id: UUID
    file_name: str
    sha256: str
    sheet: str | None
    row: int
    column: str | None
    cell: str | None
    amount: Decimal
    action: str
    state: str
    imported_by: str
    imported_at: datetime
    seqs: tuple[int, ...]
    """The ledger entries that the import posted to the budget."""


def sources_of(session: Session, budget_id: UUID) -> list[Source]:
    """The cells of every import that touched a budget, newest import first, rows in file order.

    At most MOST_CELLS. Rows that left the budget as it was are not among them.
    """
    posted = _posted(session, budget_id)
    if not posted:
        return []
    rows = session.execute(
        select(ImportRow, ImportRun, StoredFile)
        .join(
            ImportRun,
            and_(ImportRun.tenant_id == ImportRow.tenant_id, ImportRun.id == ImportRow.import_id),
        )
        .join(
            StoredFile,
            and_(StoredFile.tenant_id == ImportRun.tenant_id, StoredFile.id == ImportRun.file_id),
        )
        .where(
            ImportRow.import_id.in_(list(posted)),
            ImportRow.budget_id == budget_id,
            ImportRow.action.in_(("create", "update")),
        )
        .order_by(ImportRun.created_at.desc(), ImportRun.id, ImportRow.row_no, ImportRow.part)
        .limit(MOST_CELLS)
    ).all()
    start = get_tenant(session).fiscal_start_month
    return [_source(row, run, stored, start, posted[run.id]) for row, run, stored in rows]


def _posted(session: Session, budget_id: UUID) -> dict[UUID, tuple[int, ...]]:
    """The imports that posted to a budget, each with its entries."""
    entries = session.execute(
        select(LedgerEntry.import_id, LedgerEntry.seq)
        .where(
            LedgerEntry.account_id.in_(
                select(func.budget_accounts(func.current_tenant(), budget_id))
            ),
            LedgerEntry.import_id.is_not(None),
        )
        .order_by(LedgerEntry.seq)
    ).all()
    found: dict[UUID, tuple[int, ...]] = {}
    for import_id, seq in entries:
        if import_id is not None:
            found[import_id] = (*found.get(import_id, ()), seq)
    return found


def _source(
    row: ImportRow, run: ImportRun, stored: StoredFile, start: int, seqs: tuple[int, ...]
) -> Source:
    column = _amount_column(run.analysis or {}, row.fiscal_period or "", start)
    return Source(
        import_id=run.id,
        file_id=stored.id,
        file_name=stored.name,
        sha256=stored.sha256.hex(),
        sheet=(run.analysis or {}).get("sheet"),
        row=row.row_no,
        column=column["header"] if column else None,
        # A mended row stands elsewhere in the mended file than it stood in the first one.
        cell=f"{letters(column['index'])}{row.row_no}" if column and not run.continues_id else None,
        amount=row.amount or Decimal(0),
        action=row.action,
        state=run.state,
        imported_by=run.created_by,
        imported_at=run.created_at,
        seqs=seqs,
    )


def _amount_column(analysis: dict[str, Any], period: str, start: int) -> dict[str, Any] | None:
    """The column that held the amount: of several, the one of the row's own period."""
    columns = [c for c in analysis.get("columns", ()) if c["target"] == "budgeted_amount"]
    if len(columns) == 1:
        only: dict[str, Any] = columns[0]
        return only
    for column in columns:
        resolved = resolve(column.get("period") or "", start)
        if resolved is not None and resolved.code == period:
            match: dict[str, Any] = column
            return match
    return None


def letters(index: int) -> str:
    """A column's name in a spreadsheet: A for 0, Z for 25, AA for 26."""
    name = ""
    number = index + 1
    while number:
        number, rest = divmod(number - 1, 26)
        name = chr(ord("A") + rest) + name
    return name
