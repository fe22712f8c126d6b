"""Sample data on the pages: the buttons that load and remove it, and the banner that names it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, g, make_response, redirect, request, url_for

from bursar.errors import SamplesAbsent, SamplesPresent
from bursar.samples import loading, removing
from bursar.samples.standing import Standing, standing
from web.auth import EDIT, READ, allows, principal, require, transaction
from web.jobs import announce

blueprint = Blueprint("sample_pages", __name__, url_prefix="/samples")


@blueprint.app_context_processor
def _shared() -> dict[str, Any]:
    return {"sample_standing": _standing}


def _standing() -> Standing | None:
    """How the sample data stands, looked up once a request; None for who may not read."""
    who = g.get("principal")
    if who is None or not allows(who.role, READ):
        return None
    if "sample_standing" not in g:
        with transaction() as session:
            g.sample_standing = standing(session)
    found: Standing | None = g.sample_standing
    return found


@blueprint.post("")
@require(EDIT)
def load() -> Any:
    """Load sample data, unless it is here already."""
    who = principal()
    try:
        with transaction() as session:
            _, bell = loading.request_load(session, who.tenant_id, who.actor, g.request_id)
    except SamplesPresent as refusal:
        flash(refusal.detail)
    else:
        announce(bell)
    return redirect(url_for("dashboard.show"), 303)


@blueprint.post("/remove")
@require(EDIT)
def remove() -> Any:
    """Remove the sample data, if it is still here."""
    who = principal()
    try:
        with transaction() as session:
            bell = removing.request_removal(session, who.tenant_id, who.actor, g.request_id)
    except SamplesAbsent as refusal:
        flash(refusal.detail)
    else:
        announce(bell)
    return redirect(url_for("dashboard.show"), 303)


@blueprint.get("/progress")
@require(READ)
def progress() -> Any:
    """Draw the page anew as soon as the sample data stands otherwise than it was `seen`."""
    found = _standing()
    response = make_response("", 204)
    if (found.state if found else "") != request.args.get("seen"):
        response = make_response("")
        response.headers["HX-Refresh"] = "true"
    return response
