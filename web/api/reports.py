"""Reports: what budgets had and used over a span of days, as JSON, CSV or a workbook."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint, Tag
from sqlalchemy.orm import Session

from bursar.reports.budgets import BudgetReport, Totals, budget_report, tenant_reports
from bursar.reports.columns import BUDGET_HEADER, TOTALS_HEADER, budget_row, totals_row
from bursar.reports.inert_files import Cell, csv_blocks, write_workbook
from web.api.reports_wire import (
    BudgetReportOut,
    ReportQuery,
    Scope,
    TenantReportOut,
    budget_wire,
    scope_wire,
    totals_wire,
)
from web.api.wire import BudgetPath, problems
from web.auth import READ, principal, require, transaction
from web.downloads import json_blocks, streamed, workbook

api = APIBlueprint("reports", __name__, url_prefix="/api/v1", abp_tags=[Tag(name="Reports")])


class _Summing:
    """Hands reports on one by one, and adds them up by currency."""

    def __init__(self) -> None:
        self._totals: dict[str, Totals] = {}

    def over(self, reports: Iterator[BudgetReport]) -> Iterator[BudgetReport]:
        for report in reports:
            self._totals.setdefault(report.currency, Totals(report.currency)).add(report)
            yield report

    def totals(self) -> list[Totals]:
        return [self._totals[currency] for currency in sorted(self._totals)]


@api.get("/budgets/<budget_id>/report", responses={"200": BudgetReportOut, **problems(404)})
@require(READ)
def report_budget(path: BudgetPath, query: ReportQuery) -> Response:
    """What a budget had and used over a span of days, by kind of entry."""
    tenant_id, budget_id = principal().tenant_id, path.budget_id
    with transaction() as session:
        scope = Scope.of(session, query)
        report = budget_report(session, tenant_id, budget_id, scope.span, scope.known_before)
    if query.format != "json":
        return _file(scope, query.format, lambda _: iter([report]))
    return jsonify({**scope_wire(scope), **budget_wire(report)})


@api.get("/reports/tenant", responses={"200": TenantReportOut, **problems()})
@require(READ)
def report_tenant(query: ReportQuery) -> Response:
    """What all budgets had and used over a span of days, with sums by currency."""
    tenant_id = principal().tenant_id
    with transaction() as session:
        scope = Scope.of(session, query)

    def reports(session: Session) -> Iterator[BudgetReport]:
        return tenant_reports(session, tenant_id, scope.span, scope.known_before)

    if query.format != "json":
        return _file(scope, query.format, reports)
    summing = _Summing()

    def blocks(session: Session) -> Iterator[bytes]:
        rows = map(budget_wire, summing.over(reports(session)))
        return json_blocks(scope_wire(scope), rows, totals)

    def totals() -> dict[str, Any]:
        return {"totals": [totals_wire(one) for one in summing.totals()]}

    return streamed(blocks, "application/json")


def _file(
    scope: Scope, kind: str, reports: Callable[[Session], Iterator[BudgetReport]]
) -> Response:
    span = scope.span
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
        summing = _Summing()
        rows = (budget_row(report, span) for report in summing.over(reports(session)))

        def sums() -> Iterator[list[Cell]]:  # asked for after the rows
            for one in summing.totals():
                yield totals_row(one, span)

        sheets = (("Budgets", BUDGET_HEADER, rows), ("Totals", TOTALS_HEADER, sums()))
        write_workbook(place, sheets)

    return workbook(make, name)
