"""The dashboard: what there is, what is left, and what needs somebody."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for

from bursar import alerts
from bursar.budgets import balances, listing
from bursar.importing import history
from web.auth import READ, SPEND, principal, require, transaction
from web.pages.going import back_to, uuid_or_none

blueprint = Blueprint("dashboard", __name__)
_ALERTS, _IMPORTS, _BUDGETS = 5, 5, 25


@blueprint.get("/")
@require(READ)
def show() -> Any:
    """Totals by currency, budgets, open alerts and the last imports."""
    wanted = {name: request.args.get(name, "").strip() for name in ("department", "period", "q")}
    import_id = uuid_or_none(request.args.get("import"))
    filters: dict[str, Any] = {
        "department": wanted["department"] or None,
        "fiscal_period": wanted["period"] or None,
        "q": wanted["q"] or None,
        "import_id": import_id,
    }
    with transaction() as session:
        found = listing.list_balances(
            session,
            **filters,
            sort="department",
            limit=_BUDGETS,
            cursor=request.args.get("cursor") or None,
        )
        told = alerts.list_alerts(session, state="open", limit=_ALERTS)
        told_rows = [row.Alert for row in told.rows]
        departments, periods = balances.filter_values(session)
        shown = {
            "budgets": found,
            "totals": listing.totals(session, **filters),
            "alerts": told_rows,
            "more_alerts": told.next_cursor is not None,
            "names": balances.names_of(session, {a.budget_id for a in told_rows if a.budget_id}),
            "imports": history.list_runs(session, limit=_IMPORTS).rows,
        }
    return render_template(
        "dashboard.html",
        wanted=wanted,
        import_id=import_id,
        filtered=any(filters.values()),
        departments=departments,
        periods=periods,
        **shown,
    )


@blueprint.post("/alerts/<uuid:alert_id>/acknowledge")
@require(SPEND)
def acknowledge(alert_id: UUID) -> Any:
    """Note that somebody has seen it."""
    with transaction() as session:
        alerts.acknowledge(session, alert_id, principal().actor)
    flash("The alert is marked as seen.")
    return redirect(back_to(url_for("dashboard.show")), 303)


@blueprint.post("/alerts/<uuid:alert_id>/resolve")
@require(SPEND)
def resolve(alert_id: UUID) -> Any:
    """Close it."""
    with transaction() as session:
        alerts.resolve(session, alert_id, principal().actor)
    flash("The alert is resolved. It will come back if its cause does.")
    return redirect(back_to(url_for("dashboard.show")), 303)
