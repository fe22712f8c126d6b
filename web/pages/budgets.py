"""One budget: its numbers, its entries, its alerts and where it came from."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, render_template, request

from bursar import alerts, files
from bursar.budgets import balances
from bursar.importing import runs
from bursar.importing.lineage import sources_of
from bursar.ledger.entries import list_entries
from bursar.period_end import accounts, recurrence
from bursar.proof import standing
from bursar.sources import freshness
from web.auth import READ, require, transaction

blueprint = Blueprint("budget_pages", __name__, url_prefix="/budgets")


@blueprint.get("/<uuid:budget_id>")
@require(READ)
def show(budget_id: UUID) -> Any:
    """A budget as it stands, and how it came to stand there."""
    with transaction() as session:
        budget = balances.get_balance(session, budget_id)
        periods = accounts.periods_of(session, budget_id)
        rule = recurrence.get_recurrence(session, budget_id)
        wanted = request.args.get("period")
        # The present one, also where the address names none of this budget's.
        shown = next((one for one in periods if str(one.id) == wanted), periods[0])
        entries = list_entries(
            session, shown.id, limit=25, cursor=request.args.get("cursor") or None
        )
        told = alerts.list_alerts(session, budget_id=budget_id, limit=10)
        sources = sources_of(session, budget_id)
        stands = standing.of_budgets(session, budget.tenant_id, [budget_id])[budget_id]
        origin = runs.get_run(session, budget.import_id) if budget.import_id else None
        fresh = freshness.of_imports(session, [budget.import_id]).get(budget.import_id)
        origin_name = files.get_file(session, origin.file_id).name if origin else None
    return render_template(
        "budget.html",
        budget=budget,
        periods=periods,
        shown=shown,
        rule=rule,
        entries=entries,
        alerts=[row.Alert for row in told.rows],
        sources=sources[:50],
        more_sources=len(sources) - 50,
        origin=origin,
        origin_name=origin_name,
        fresh=fresh,
        stands=stands,
    )
