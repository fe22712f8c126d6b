"""Operations: whether all runs, what waits, what was given up, and a hand on the schedules."""

from __future__ import annotations

from typing import Any

import structlog
from flask import Blueprint, flash, redirect, render_template, request, url_for

from bursar import operations, schedules
from bursar.database import database
from bursar.errors import Forbidden
from bursar.sources import pausing
from web.auth import OPERATE, READ, allows, of_operator, principal, require, transaction

log = structlog.get_logger("bursar.web")
blueprint = Blueprint("operation_pages", __name__, url_prefix="/operations")

# What each schedule does, in words.
SCHEDULES = {
    "expire_holds": "Release reservations that have expired",
    "raise_alerts": "Raise alerts about caps",
    "resolve_alerts": "Resolve alerts that are over",
    "start_sources": "Start sources, and miss late files",
    "follow_imports": "Tell sources how their imports went",
    "send_webhooks": "Send webhooks",
    "reset_budgets": "Start budgets anew",
    "forecast_budgets": "Look ahead at budgets",
    "ledger_partitions": "Make room for the ledger",
    "forget_idempotency_keys": "Forget old answers",
    "prove_ledger": "Prove the ledger",
    "reconcile_ledger": "Reconcile the ledger",
    "seal_ledger": "Seal the ledger",
}


@blueprint.get("")
@require(READ)
def show() -> Any:
    """How things run; the numbers of the page look again by themselves."""
    return render_template("operations.html", **_seen())


@blueprint.get("/now")
@require(READ)
def now() -> Any:
    """The part of the page that changes."""
    return render_template("_operations_now.html", **_seen())


@blueprint.post("/schedules/<name>/pause")
@blueprint.post("/schedules/<name>/resume", endpoint="resume")
@require(OPERATE)
def pause(name: str) -> Any:
    """Let a schedule rest for all tenants, or go on."""
    who = principal()
    if not of_operator(who):
        raise Forbidden(
            "Schedules belong to all organisations here, so only operators of those that"
            " BURSAR_OPERATOR_TENANTS names may pause them."
        )
    on = request.endpoint == "operation_pages.resume"
    pausing.resume_schedule(database(), name) if on else schedules.pause(database(), name)
    log.info("schedule resumed" if on else "schedule paused", schedule=name, actor=who.actor)
    word = SCHEDULES[name]
    flash(f"“{word}” goes on." if on else f"“{word}” rests, for all organisations here.")
    return redirect(url_for("operation_pages.show"), 303)


def _seen() -> dict[str, Any]:
    who = principal()
    with transaction() as session:
        seen = operations.look(session, database())
    return {
        "seen": seen,
        "words": SCHEDULES,
        "may_pause": allows(who.role, OPERATE) and of_operator(who),
    }
