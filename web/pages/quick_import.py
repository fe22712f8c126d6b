"""An import in one step, for files that need no questions; and the documents' own test pages."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, g, make_response, redirect, render_template, request, url_for

from bursar.errors import InvalidInput
from bursar.importing import runs
from bursar.tenants import get_tenant
from web.auth import CHECK, IMPORT, principal, require, transaction
from web.jobs import announce
from web.transfer import receive, upload_limit

blueprint = Blueprint("quick_import", __name__)


@blueprint.post("/imports/quick")
@require(IMPORT)
def upload_at_once() -> Any:
    """Take a file in and import it; what it leaves open waits on the page of the import."""
    uploaded, who = request.files.get("file"), principal()
    with transaction() as session:
        limit = upload_limit(get_tenant(session))
    try:
        if uploaded is None or not uploaded.filename:
            raise InvalidInput("Choose a file first.")
        with transaction() as session:
            stored = receive(session, uploaded)
            run = runs.request_import(session, who.tenant_id, stored.id, runs.Wish(), who.actor)
            bell = runs.start(session, run, "imports.run", who.actor, g.request_id)
    except InvalidInput as refusal:
        return make_response(render_template("import_new.html", limit=limit, refusal=refusal), 422)
    announce(bell)
    return redirect(url_for("import_pages.show", import_id=run.id), 303)


@blueprint.get("/test-import.html")
@blueprint.get("/test-sync.html", endpoint="test_sync")
@require(IMPORT)
def test_import() -> Any:
    """Where the documents' pages for trying an import have gone."""
    return redirect(url_for("mapping.new"))


@blueprint.get("/test-budget-check.html")
@require(CHECK)
def test_check() -> Any:
    """Where the documents' page for trying a check has gone."""
    return redirect(url_for("check_pages.ask"))
