"""Alerts: what people should know, what to do about each, and who has seen to it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from sqlalchemy.orm import Session

from bursar import alerts
from bursar.alert_subjects import Subject, subjects_of
from bursar.budgets import balances
from bursar.members import names_of
from web.auth import OPERATE, READ, SPEND, allows, principal, require, transaction
from web.pages.going import back_to, local, uuid_or_none

blueprint = Blueprint("alert_pages", __name__, url_prefix="/alerts")
_ROWS = 20
STATES = ("open", "acknowledged", "resolved")

# Type of alert → what it is called, and what to do about it.
TYPES = {
    "threshold_warning": (
        "Soft cap passed",
        "Look at what is still to come, and top the budget up or hold spending back.",
    ),
    "threshold_exceeded": (
        "Close to the hard cap",
        "Top the budget up, or release reservations that are not needed: soon it refuses.",
    ),
    "over_budget": ("Over budget", "Find the entry that went over, and top up or take it back."),
    "line_item_overrun": (
        "A part is over",
        "Move money to this part from the budget above it, or from another part.",
    ),
    "hard_cap_reached": (
        "Reservation refused",
        "Top the budget up or release reservations, then ask again.",
    ),
    "variance_high": (
        "Far from its plan",
        "Look at the entries of the budget, and plan the next period by what was spent.",
    ),
    "forecast_run_out": (
        "Will run out",
        "Top the budget up or spend less before the day that is named.",
    ),
    "large_topup": (
        "Large top-up",
        "Ask who added it whether that was meant; its entry is in the ledger of the budget.",
    ),
    "reset_failed": (
        "New period failed",
        "Mend what the message names; the next run of the schedule tries again.",
    ),
    "close_failed": (
        "Closing failed",
        "Mend what the job names, then close the period again: it goes on where it stopped.",
    ),
    "source_failed": (
        "Source failed",
        "Test the connection on the page of the source; it says what stands in the way.",
    ),
    "source_failing_often": (
        "Source fails often",
        "Test the connection, and ask the operator of the server what happens there.",
    ),
    "source_held": (
        "Source is held",
        "Test the connection, mend what it names, and save the source: that ends the wait.",
    ),
    "source_late": (
        "File is late",
        "Ask whoever sends the file where it is; import it by hand if you have it.",
    ),
    "source_file_failed": (
        "File failed",
        "Open its import to see why; mend the file there, or take it again at the source.",
    ),
    "source_file_waiting": (
        "File waits for you",
        "Open its import, look at what would change, and apply it or leave it.",
    ),
    "discrepancy": (
        "Ledger does not prove",
        "Reconcile the budget and fix the discrepancy; until then it takes no postings.",
    ),
    "frequent_fixes": (
        "Many repairs",
        "Read the repairs of the day, and find out who changes the ledger.",
    ),
    "transfer_pending": (
        "Transfer waits",
        "Somebody other than who asked for it approves of it or refuses it.",
    ),
    "webhook_failing": (
        "Webhook fails",
        "Look at its deliveries, mend the other end, and send them again.",
    ),
}


@blueprint.get("")
@require(READ)
def index() -> Any:
    """All alerts, newest first, with filters in the address."""
    return _index()


@blueprint.post("")
@require(SPEND)
def change_chosen() -> Any:
    """Mark the chosen alerts as seen, or close them: all or none."""
    chosen = [found for text in request.form.getlist("alert") if (found := uuid_or_none(text))]
    resolving = request.form.get("do") == "resolve"
    if not chosen:
        return _index("Choose at least one alert first: tick the box in its row.")
    change = alerts.resolve if resolving else alerts.acknowledge
    with transaction() as session:
        count = alerts.change_many(session, chosen[:_ROWS], change, principal().actor)
    subject = "1 alert is" if count == 1 else f"{count} alerts are"
    flash(f"{subject} {'resolved' if resolving else 'marked as seen'}.")
    return redirect(local(request.full_path.rstrip("?")), 303)


@blueprint.post("/<uuid:alert_id>/acknowledge")
@require(SPEND)
def acknowledge(alert_id: UUID) -> Any:
    """Note that somebody has seen it."""
    with transaction() as session:
        alerts.acknowledge(session, alert_id, principal().actor)
    flash("The alert is marked as seen.")
    return redirect(back_to(url_for("alert_pages.index")), 303)


@blueprint.post("/<uuid:alert_id>/resolve")
@require(SPEND)
def resolve(alert_id: UUID) -> Any:
    """Settle it; the next crossing raises a new one."""
    with transaction() as session:
        alerts.resolve(session, alert_id, principal().actor)
    flash("The alert is resolved.")
    return redirect(back_to(url_for("alert_pages.index")), 303)


def _index(refusal: str = "") -> Any:
    wanted = {name: request.args.get(name, "") for name in ("state", "type")}
    wanted["state"] = wanted["state"] if wanted["state"] in STATES else ""
    wanted["type"] = wanted["type"] if wanted["type"] in TYPES else ""
    budget_id = uuid_or_none(request.args.get("budget"))
    with transaction() as session:
        found = alerts.list_alerts(
            session,
            state=wanted["state"] or None,
            kind=wanted["type"] or None,
            budget_id=budget_id,
            limit=_ROWS,
            cursor=request.args.get("cursor") or None,
        )
        rows = _rows(session, [row.Alert for row in found.rows])
        who = names_of(session, {
            actor for alert, _ in rows for actor in (alert.acknowledged_by, alert.resolved_by)
        })  # fmt: skip
        named = balances.names_of(session, [budget_id]) if budget_id else {}
    body = render_template(
        "alerts.html", rows=rows, next_cursor=found.next_cursor, wanted=wanted, states=STATES,
        types=TYPES, names=who, refusal=refusal, budget_id=budget_id,
        budget_name=named.get(budget_id, "a budget that is not here") if budget_id else "",
    )  # fmt: skip
    return make_response(body, 422 if refusal else 200)


def _rows(session: Session, told: list[Any]) -> list[tuple[Any, list[tuple[Subject, str]]]]:
    subjects = subjects_of(session, told)
    return [(alert, [(one, _address(one)) for one in subjects[alert.id]]) for alert in told]


def _address(subject: Subject) -> str:
    """Where a subject is shown; empty where nothing can be opened."""
    if not subject.is_there:
        return ""
    if subject.kind == "budget":
        return url_for("budget_pages.show", budget_id=subject.id)
    if subject.kind == "source":
        return url_for("source_pages.show", source_id=subject.id)
    if subject.kind == "import":
        return url_for("import_pages.show", import_id=subject.id)
    if subject.kind == "webhook":
        may = allows(principal().role, OPERATE)
        return url_for("webhook_pages.show", webhook_id=subject.id) if may else ""
    return url_for("job_pages.one", job_id=subject.id)
