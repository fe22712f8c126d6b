"""Going on with an import that is done: mending what it rejected, and taking it back."""

from __future__ import annotations

import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, g, make_response, redirect, render_template, request, url_for

from bursar import files
from bursar.errors import BursarError, InvalidInput, NotFound
from bursar.importing import runs
from bursar.importing.repairing import alike, mending, undoing
from web.auth import IMPORT, principal, require, transaction
from web.jobs import announce
from web.problems import status_of
from web.transfer import receive, store_bytes

blueprint = Blueprint("import_repairs", __name__, url_prefix="/imports")
_CELL = "cell-"  # begins the field of a cell, before its key


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


@blueprint.get("/<uuid:import_id>/mend")
@require(IMPORT)
def mend(import_id: UUID) -> Any:
    """The rejected cells, alike ones together, to be mended here."""
    return _cells_page(import_id)


@blueprint.post("/<uuid:import_id>/mend")
@require(IMPORT)
def mend_cells(import_id: UUID) -> Any:
    """Go on with the import, with the cells that were typed."""
    who = principal()
    given = {
        key.removeprefix(_CELL): text.strip()
        for key, text in request.form.items()
        if key.startswith(_CELL) and text.strip()
    }
    try:
        if any("\0" in text or len(text) > 2000 for text in given.values()):
            raise InvalidInput("A cell has at most 2000 characters, and no NUL among them.")
        with transaction() as session, tempfile.TemporaryDirectory() as folder:
            run = runs.get_run(session, import_id)
            name = files.get_file(session, run.file_id).name
            made, count = alike.mended_copy(session, run, Path(folder), name, given)
            if not count:
                raise InvalidInput("Type what at least one cell should say.")
            stored = store_bytes(session, made.name, made.read_bytes())
            attempt = mending.request_mending(session, import_id, stored.id, who.actor)
            bell = runs.start(session, attempt, "imports.run", who.actor, g.request_id)
    except NotFound:
        raise
    except BursarError as refusal:
        return _cells_page(import_id, refusal)
    announce(bell)
    return redirect(url_for("import_pages.show", import_id=attempt.id), 303)


def _cells_page(import_id: UUID, refusal: BursarError | None = None) -> Any:
    with transaction() as session:
        run = runs.get_run(session, import_id)
        name = files.get_file(session, run.file_id).name
        wrong = alike.wrong_cells(session, run)
    body = render_template(
        "import_mend.html", run=run, name=name, wrong=wrong, refusal=refusal, typed=request.form,
        prefix=_CELL,
    )  # fmt: skip
    return make_response(body, status_of(refusal) if refusal else 200)


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
