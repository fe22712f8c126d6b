"""Reports: what budgets had and used over a span of days, as JSON, CSV or a workbook."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint, Tag
from sqlalchemy.orm import Session

from bursar.reports.budgets import BudgetReport, budget_report, tenant_reports
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
from web.downloads import json_blocks, streamed
from web.report_files import Summing, budgets_file

api = APIBlueprint("reports", __name__, url_prefix="/api/v1", abp_tags=[Tag(name="Reports")])


@api.get("/budgets/<budget_id>/report", responses={"200": BudgetReportOut, **problems(404)})
@require(READ)
def report_budget(path: BudgetPath, query: ReportQuery) -> Response:
    """What a budget had and used over a span of days, by kind of entry."""
    tenant_id, budget_id = principal().tenant_id, path.budget_id
    with transaction() as session:
        scope = Scope.of(session, query)
        report = budget_report(session, tenant_id, budget_id, scope.span, scope.known_before)
    if query.format != "json":
        return budgets_file(scope.span, query.format, lambda _: iter([report]))
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
        return budgets_file(scope.span, query.format, reports)
    summing = Summing()

    def blocks(session: Session) -> Iterator[bytes]:
        rows = map(budget_wire, summing.over(reports(session)))
        return json_blocks(scope_wire(scope), rows, totals)

    def totals() -> dict[str, Any]:
        return {"totals": [totals_wire(one) for one in summing.totals()]}

    return streamed(blocks, "application/json")
