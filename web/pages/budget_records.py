"""What is kept of one budget: who changed it, and its report over a span of days."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, render_template, request

from bursar.budgets import balances
from bursar.members import names_of
from bursar.reports.budgets import budget_report
from bursar.trail import changes_of
from web.auth import READ, principal, require, transaction
from web.pages import spans
from web.report_files import budgets_file, entries_file

blueprint = Blueprint("budget_records", __name__, url_prefix="/budgets")
_ROWS = 15


@blueprint.get("/<uuid:budget_id>/changes")
@require(READ)
def changes(budget_id: UUID) -> Any:
    """Who changed what about it, newest first."""
    with transaction() as session:
        budget = balances.get_balance(session, budget_id)
        found = changes_of(
            session, "budget", budget_id, limit=_ROWS, cursor=request.args.get("cursor") or None
        )
        names = names_of(session, {one.actor for one in found.rows})
    return render_template("budget_changes.html", budget=budget, found=found, names=names)


@blueprint.get("/<uuid:budget_id>/report")
@require(READ)
def report(budget_id: UUID) -> Any:
    """What it had and used over a span of days, by kind of entry; made to be printed too."""
    with transaction() as session:
        budget = balances.get_balance(session, budget_id)
        span, refusal = spans.asked_for(session)
        found = budget_report(session, budget.tenant_id, budget_id, span)
    return render_template(
        "budget_report.html", budget=budget, report=found, span=span, refusal=refusal,
        named=spans.NAMED, asked=spans.address(span),
    ), (422 if refusal else 200)  # fmt: skip


@blueprint.get("/<uuid:budget_id>/report.csv", defaults={"kind": "csv"})
@blueprint.get("/<uuid:budget_id>/report.xlsx", defaults={"kind": "xlsx"})
@require(READ)
def report_as_file(budget_id: UUID, kind: str) -> Response:
    """The same as a file to keep. Raises NotFound, InvalidInput."""
    span = spans.known()
    with transaction() as session:
        found = budget_report(session, principal().tenant_id, budget_id, span)
    return budgets_file(span, kind, lambda _: iter([found]))


@blueprint.get("/<uuid:budget_id>/entries.csv", defaults={"kind": "csv"})
@blueprint.get("/<uuid:budget_id>/entries.xlsx", defaults={"kind": "xlsx"})
@require(READ)
def entries_as_file(budget_id: UUID, kind: str) -> Response:
    """Its entries that were recorded in a span of days. Raises NotFound, InvalidInput."""
    with transaction() as session:
        balances.get_balance(session, budget_id)
    return entries_file(spans.known(), kind, budget_id)
