"""Reports of the whole organisation, to read, to print and to keep as files."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, render_template

from bursar.errors import InvalidInput
from bursar.reports.audit import daily_sums
from bursar.reports.budgets import BudgetReport, Totals, tenant_reports
from bursar.reports.ranges import Calendar
from bursar.tenants import get_tenant
from web.auth import READ, principal, require, transaction
from web.pages import spans
from web.report_files import budgets_file, entries_file

blueprint = Blueprint("report_pages", __name__, url_prefix="/reports")
_ROWS = 50  # budgets that are shown; the files have all of them
_DAYS = 400  # rows of sums by day


@blueprint.get("")
@require(READ)
def index() -> Any:
    """Which reports there are, and over which days."""
    return _form("reports.html")


@blueprint.get("/budgets")
@require(READ)
def of_budgets() -> Any:
    """What budgets had and used over a span of days; the figures come when the page is there."""
    return _form("report_budgets.html")


@blueprint.get("/budgets/figures")
@require(READ)
def budget_figures() -> Any:
    """The sums by currency, and the first budgets."""
    span = spans.known()
    shown: list[BudgetReport] = []
    totals: dict[str, Totals] = {}
    with transaction() as session:
        for report in tenant_reports(session, principal().tenant_id, span):
            totals.setdefault(report.currency, Totals(report.currency)).add(report)
            if len(shown) < _ROWS:
                shown.append(report)
    sums = [totals[currency] for currency in sorted(totals)]
    return render_template(
        "report_budget_figures.html", span=span, asked=spans.address(span), reports=shown,
        totals=sums, more=sum(one.budgets for one in sums) - len(shown),
    )  # fmt: skip


@blueprint.get("/budgets.csv", defaults={"kind": "csv"})
@blueprint.get("/budgets.xlsx", defaults={"kind": "xlsx"})
@require(READ)
def budgets_as_file(kind: str) -> Response:
    """The same of all budgets, as a file to keep. Raises InvalidInput."""
    tenant_id = principal().tenant_id
    span = spans.known()
    return budgets_file(span, kind, lambda session: tenant_reports(session, tenant_id, span))


@blueprint.get("/entries.csv", defaults={"kind": "csv"})
@blueprint.get("/entries.xlsx", defaults={"kind": "xlsx"})
@require(READ)
def entries_as_file(kind: str) -> Response:
    """Every entry that was recorded in a span of days. Raises InvalidInput."""
    return entries_file(spans.known(), kind, None)


@blueprint.get("/days")
@require(READ)
def by_day() -> Any:
    """What was posted on each day; the figures come when the page is there."""
    return _form("report_days.html")


@blueprint.get("/days/figures")
@require(READ)
def day_figures() -> Any:
    """The sums by day, kind of entry and currency."""
    span, refusal = spans.known(), None
    with transaction() as session:
        tenant = get_tenant(session)
        try:
            sums = daily_sums(session, tenant.id, Calendar.of(tenant), span)
        except InvalidInput as too_long:
            sums, refusal = [], too_long
    return render_template(
        "report_day_figures.html", span=span, asked=spans.address(span), refusal=refusal,
        sums=sums[:_DAYS], more=len(sums) - _DAYS,
    )  # fmt: skip


def _form(template: str) -> Any:
    with transaction() as session:
        span, refusal = spans.asked_for(session)
    return render_template(
        template, span=span, refusal=refusal, named=spans.NAMED, asked=spans.address(span)
    ), (422 if refusal else 200)  # fmt: skip
