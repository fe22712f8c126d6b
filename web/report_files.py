"""Reports as files to keep: streamed as CSV, or as a workbook with amounts as numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

from flask import Response
from sqlalchemy.orm import Session

from bursar.reports.budgets import BudgetReport, Totals
from bursar.reports.columns import BUDGET_HEADER, TOTALS_HEADER, budget_row, totals_row
from bursar.reports.entries import ENTRY_HEADER, entry_rows
from bursar.reports.inert_files import Cell, csv_blocks, write_workbook
from bursar.reports.ranges import Span
from web.auth import principal
from web.downloads import streamed, workbook


class Summing:
    """Hands reports on one by one, and adds them up by currency."""

    def __init__(self) -> None:
        self._totals: dict[str, Totals] = {}

    def over(self, reports: Iterator[BudgetReport]) -> Iterator[BudgetReport]:
        """The reports as they come."""
        for report in reports:
            self._totals.setdefault(report.currency, Totals(report.currency)).add(report)
            yield report

    def totals(self) -> list[Totals]:
        """The sums of what has been handed on, by currency."""
        return [self._totals[currency] for currency in sorted(self._totals)]


def budgets_file(
    span: Span, kind: str, reports: Callable[[Session], Iterator[BudgetReport]]
) -> Response:
    """Reports of budgets as a file of this kind, `csv` or `xlsx`, the latter with their sums."""
    name = f"report-{span.first_day}-{span.last_day}.{kind}"
    if kind == "csv":
        return streamed(
            lambda session: csv_blocks(
                BUDGET_HEADER, (budget_row(report, span) for report in reports(session))
            ),
            "text/csv",
            name,
        )

    def make(session: Session, place: Path) -> None:
        summing = Summing()
        rows = (budget_row(report, span) for report in summing.over(reports(session)))

        def sums() -> Iterator[list[Cell]]:  # asked for after the rows
            for one in summing.totals():
                yield totals_row(one, span)

        sheets = (("Budgets", BUDGET_HEADER, rows), ("Totals", TOTALS_HEADER, sums()))
        write_workbook(place, sheets)

    return workbook(make, name)


def entries_file(span: Span, kind: str, budget_id: UUID | None) -> Response:
    """All entries recorded in a span, of one budget or of all, as a file, `csv` or `xlsx`."""
    tenant_id = principal().tenant_id
    name = f"entries-{span.first_day}-{span.last_day}.{kind}"

    def rows(session: Session) -> Iterator[list[Cell]]:
        return entry_rows(session, tenant_id, span, budget_id)

    if kind == "csv":
        return streamed(lambda session: csv_blocks(ENTRY_HEADER, rows(session)), "text/csv", name)

    def make(session: Session, place: Path) -> None:
        write_workbook(place, [("Entries", ENTRY_HEADER, rows(session))])

    return workbook(make, name)
