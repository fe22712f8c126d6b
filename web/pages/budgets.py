"""One budget: its numbers, its entries, its alerts and where it came from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for

from bursar import alerts, files
from bursar.budgets import balances
from bursar.database import database
from bursar.errors import NotFound
from bursar.importing import runs
from bursar.importing.lineage import Source, sources_of
from bursar.ledger import operations
from bursar.ledger.entries import list_entries
from bursar.ledger.holds import open_holds
from bursar.members import names_of
from bursar.period_end import accounts, recurrence
from bursar.proof import standing
from bursar.reports import burn_down
from bursar.reports.ranges import Calendar
from bursar.sources import freshness
from bursar.tenants import get_tenant
from web.auth import READ, SPEND, principal, require, transaction
from web.pages import charts

blueprint = Blueprint("budget_pages", __name__, url_prefix="/budgets")
_CELLS = 50  # cells that are shown of those it came from


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
        holds, more_holds = open_holds(session, shown.id)
        fresh = freshness.of_imports(session, [budget.import_id]).get(budget.import_id)
        names = names_of(
            session, {e.actor for e in entries.rows} | {s.imported_by for s in sources[:_CELLS]}
        )
        origin_name = files.get_file(session, origin.file_id).name if origin else None
    return render_template(
        "budget.html",
        budget=budget,
        periods=periods,
        shown=shown,
        rule=rule,
        entries=entries,
        alerts=[row.Alert for row in told.rows],
        sources=sources[:_CELLS],
        more_sources=len(sources) - _CELLS,
        names=names,
        origin=origin,
        origin_name=origin_name,
        fresh=fresh,
        stands=stands,
        holds=holds,
        more_holds=more_holds,
        cells=_cells(sources),
    )


@blueprint.get("/<uuid:budget_id>/burning")
@require(READ)
def burning(budget_id: UUID) -> Any:
    """What was left day by day, and how it goes on."""
    with transaction() as session:
        budget = balances.get_balance(session, budget_id)
        calendar = Calendar.of(get_tenant(session))
        now = datetime.now(UTC)
        line = burn_down.of_budget(session, budget.tenant_id, calendar, now, budget_id)
    return render_template(
        "budget_burning.html",
        budget=budget,
        chart=charts.burn_down(line),
        window=burn_down.WINDOW_DAYS,
    )


@blueprint.post("/<uuid:budget_id>/release")
@require(SPEND)
def release(budget_id: UUID) -> Any:
    """Give back what a reservation of this budget still holds."""
    ref_type, ref_id = request.form.get("ref_type", ""), request.form.get("ref_id", "")
    who = principal()
    if operations.read_hold(database(), who.tenant_id, ref_id, ref_type).budget_id != budget_id:
        raise NotFound(f"This budget has no reservation {ref_id}.")
    operations.release(database(), who.tenant_id, ref_id, None, actor=who.actor, ref_type=ref_type)
    flash(f"{ref_id} holds nothing any more; its money is available again.")
    return redirect(url_for("budget_pages.show", budget_id=budget_id), 303)


def _cells(sources: Sequence[Source]) -> dict[int, list[Source]]:
    """The cells behind each entry, by the entry's number."""
    found: dict[int, list[Source]] = {}
    for source in sources:
        for seq in source.seqs:
            found.setdefault(seq, []).append(source)
    return found
