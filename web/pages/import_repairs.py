"""Going on with an import that is done: mending what it rejected, and taking it back."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, g, redirect, render_template, request, url_for

from bursar import files
from bursar.errors import InvalidInput
from bursar.importing import runs
from bursar.importing.repairing import mending, undoing
from web.auth import IMPORT, principal, require, transaction
from web.jobs import announce
from web.transfer import receive

blueprint = Blueprint("import_repairs", __name__, url_prefix="/imports")


@blueprint.post("/<uuid:import_id>/mended")
@require(IMPORT)
def mended(import_id: UUID) -> Any:
    """Take the mended rows in and load them into the same import."""
    uploaded = request.files.get("file")
    if uploaded is None or not uploaded.filename:
        flash("Choose the file with the mended rows first.")
        return redirect(url_for("import_pages.show", import_id=import_id), 303)
    who = principal()
    try:
        with transaction() as session:
            runs.get_run(session, import_id)
            stored = receive(session, uploaded)
            run = mending.request_mending(session, import_id, stored.id, who.actor)
            bell = runs.start(session, run, "imports.run", who.actor, g.request_id)
    except InvalidInput as refusal:
        flash(refusal.detail)
        return redirect(url_for("import_pages.show", import_id=import_id), 303)
    announce(bell)
    return redirect(url_for("import_pages.show", import_id=run.id), 303)


@blueprint.get("/<uuid:import_id>/undo")
@require(IMPORT)
def ask(import_id: UUID) -> Any:
    """What undoing would do, to be confirmed."""
    with transaction() as session:
        run = runs.get_run(session, import_id)
        name = files.get_file(session, run.file_id).name
        found = undoing.preview_undo(session, import_id)
    return render_template("import_undo.html", run=run, name=name, found=found, sums=_sums(found))


@blueprint.post("/<uuid:import_id>/undo")
@require(IMPORT)
def undo(import_id: UUID) -> Any:
    """Take the import back."""
    with transaction() as session:
        run = undoing.request_undo(session, import_id)
        bell = runs.start(session, run, "imports.undo", principal().actor, g.request_id)
    announce(bell)
    return redirect(url_for("import_pages.show", import_id=import_id), 303)


def _sums(found: undoing.Undoing) -> dict[str, dict[str, Decimal]]:
    return {
        currency: {name: Decimal(value) for name, value in pair.items()}
        for currency, pair in found.amounts.items()
    }
