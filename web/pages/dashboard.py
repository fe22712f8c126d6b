"""The dashboard: what there is, what is left, and what needs somebody."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from flask import Blueprint, Response, g, render_template, request

from bursar import alerts
from bursar.budgets import listing, overview
from bursar.importing import history
from bursar.reports import burn_down
from bursar.reports.ranges import Calendar
from bursar.samples.standing import SOURCE
from bursar.sources import health
from bursar.tenants import get_tenant
from web.auth import READ, principal, require, transaction
from web.pages import charts
from web.pages.remembering import Remembering

blueprint = Blueprint("dashboard", __name__)
_ALERTS, _IMPORTS, _BUDGETS = 50, 5, 10
# However many look, and however often, a tenant's budgets are added up once in this time.
_shown = Remembering(seconds=1.0)
_lines = Remembering(seconds=60.0)


@blueprint.get("/dashboard", endpoint="by_name")
@blueprint.get("/")
@require(READ)
def show() -> Any:
    """Totals by currency, budgets in need, open alerts, sources and the last imports."""
    shown = _shown.of(principal().tenant_id, _look)
    return render_template(
        "dashboard.html", **shown, seen=_seen(shown), window=burn_down.WINDOW_DAYS
    )


@blueprint.get("/live")
@require(READ)
def live() -> Any:
    """What is new on the dashboard; nothing (204) where it is as it was."""
    shown = _shown.of(principal().tenant_id, _look)
    seen = _seen(shown)
    if seen == request.args.get("seen"):
        return "", 204
    return render_template("_dashboard_live.html", **shown, seen=seen)


@blueprint.get("/burning")
@require(READ)
def burning() -> Any:
    """What was left day by day, and how it goes on."""
    lines = _lines.of(principal().tenant_id, _burning)
    return render_template("burning.html", lines=lines, window=burn_down.WINDOW_DAYS)


@blueprint.after_app_request
def forget(answer: Response) -> Response:
    """Who has changed something here sees it at once on the dashboard."""
    who = g.get("principal")
    if who is not None and request.method not in ("GET", "HEAD"):
        _shown.forget(who.tenant_id)
    return answer


def _look() -> dict[str, Any]:
    with transaction() as session:
        told = [row.Alert for row in alerts.list_alerts(session, state="open", limit=_ALERTS).rows]
        shown = {
            "totals": overview.totals(session),
            "attention": overview.in_need(session),
            "budgets": listing.list_balances(session, sort="department", limit=_BUDGETS).rows,
            "other_alerts": [one for one in told if one.budget_id is None][:_IMPORTS],
            "sources": health.unwell(session),
            "imports": [
                found
                for found in history.list_runs(session, limit=_IMPORTS).rows
                if (found[0].source_type, found[0].state) != (SOURCE, "undone")
            ],
        }
        session.expunge_all()  # so that what is remembered stays as it was read
    return shown


def _burning() -> list[tuple[burn_down.BurnDown, charts.Chart | None]]:
    with transaction() as session:
        tenant = get_tenant(session)
        calendar, now = Calendar.of(tenant), datetime.now(UTC)
        lines = burn_down.of_tenant(session, tenant.id, calendar, now)
    return [(line, charts.burn_down(line)) for line in lines]


def _seen(shown: dict[str, Any]) -> str:
    """A word for what is shown, which changes when any of it does."""
    parts = [
        *shown["totals"],
        *((one.budget.id, one.budget.row_version, one.budget.entry_seq, a.id, a.state)
          for one in shown["attention"] for a in one.alerts),
        *((one.id, one.row_version, one.entry_seq) for one in shown["budgets"]),
        *((one.id, one.state) for one in shown["other_alerts"]),
        *((one.id, word, one.failures) for one, word in shown["sources"]),
        *((run.id, run.state, run.total_rows, run.rejected_rows) for run, _ in shown["imports"]),
    ]  # fmt: skip
    return sha256(repr(parts).encode()).hexdigest()[:16]
