"""Bringing a file in: upload, look at what was recognised, change it, and start the import."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import Blueprint, g, make_response, redirect, render_template, request, url_for

from bursar import files, metrics
from bursar.errors import InvalidInput, NotABudget
from bursar.importing import runs
from bursar.importing.analysis import Analysis
from bursar.importing.mapping import ColumnMapping
from bursar.importing.stored import analyze_stored, require_fitting
from bursar.importing.vocabulary import REQUIRED, TARGETS
from bursar.tenants import get_tenant
from schema.tables import ImportRun, StoredFile, Tenant
from web.auth import IMPORT, principal, require, transaction
from web.jobs import announce
from web.pages.going import uuid_or_none
from web.transfer import receive, upload_limit

blueprint = Blueprint("mapping", __name__, url_prefix="/imports")
DEFAULTS = ("department", "sub_category", "fiscal_period", "currency")
MODES = ("all_or_nothing", "skip_errors")


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the form says at the moment: targets by column, defaults, and how to go about it."""

    targets: dict[int, str]
    defaults: dict[str, str]
    mode: str = "all_or_nothing"
    force_kind: bool = False


@blueprint.get("/new")
@require(IMPORT)
def new() -> Any:
    """Ask for a file."""
    with transaction() as session:
        limit = upload_limit(get_tenant(session))
    return render_template("import_new.html", limit=limit, refusal=None)


@blueprint.post("/new")
@require(IMPORT)
def upload() -> Any:
    """Take a file in, and go on to its review. What cannot be read is said here."""
    uploaded = request.files.get("file")
    with transaction() as session:
        limit = upload_limit(get_tenant(session))
    try:
        if uploaded is None or not uploaded.filename:
            raise InvalidInput("Choose a file first.")
        with transaction() as session:
            tenant = get_tenant(session)
            stored = receive(session, uploaded)
        analysis = analyze_stored(stored, tenant)
    except InvalidInput as refusal:
        page = render_template("import_new.html", limit=limit, refusal=refusal)
        return make_response(page, 422)
    metrics.UPLOADS.labels(analysis.detection.kind).inc()
    return redirect(url_for("mapping.review", file_id=stored.id), 303)


@blueprint.get("/files/<uuid:file_id>")
@require(IMPORT)
def review(file_id: UUID) -> Any:
    """What the file was recognised as, column by column, to change and confirm.

    `again` names an import of this file whose choices the form starts with.
    """
    sheet, header_row = _place(request.args)
    earlier: ImportRun | None = None
    with transaction() as session:
        tenant = get_tenant(session)
        stored = files.get_file(session, file_id)
        again = uuid_or_none(request.args.get("again"))
        if again is not None:
            earlier = runs.get_run(session, again)
    if earlier is not None and sheet is None and header_row is None:
        sheet, header_row = earlier.sheet, earlier.header_row
    analysis = analyze_stored(stored, tenant, sheet=sheet, header_row=header_row)
    return _page(stored, tenant, analysis, _first_choice(analysis, earlier), (sheet, header_row))


@blueprint.post("/files/<uuid:file_id>")
@require(IMPORT)
def start(file_id: UUID) -> Any:
    """Import the file as the form says, or draw the form again with what does not fit."""
    sheet, header_row = _place(request.form)
    with transaction() as session:
        tenant = get_tenant(session)
        stored = files.get_file(session, file_id)
    analysis = analyze_stored(stored, tenant, sheet=sheet, header_row=header_row)
    chosen = _from_form(analysis)
    wish = _wish(analysis, chosen, (sheet, header_row))
    try:
        if analysis.detection.kind != "budget" and not chosen.force_kind:
            raise NotABudget("Tick “This is a budget” below if it is one.")
        require_fitting(stored, tenant, analysis, wish)
    except InvalidInput as refusal:
        page = _page(stored, tenant, analysis, chosen, (sheet, header_row), refusal)
        return make_response(page, 422)
    who = principal()
    with transaction() as session:
        run = runs.request_import(session, who.tenant_id, stored.id, wish, who.actor)
        bell = runs.start(session, run, "imports.run", who.actor, g.request_id)
    announce(bell)
    return redirect(url_for("import_pages.show", import_id=run.id), 303)


def _place(fields: Any) -> tuple[str | None, int | None]:
    """Sheet and header row of an address or a form; people count rows from 1."""
    row = fields.get("header_row", "").strip()
    number = int(row) - 1 if row.isascii() and row.isdigit() and len(row) < 6 else None
    return fields.get("sheet") or None, number if number is None or number >= 0 else None


def _first_choice(analysis: Analysis, earlier: ImportRun | None) -> Chosen:
    proposed = {column.index: column.target or "" for column in analysis.columns}
    if earlier is None:
        return Chosen(proposed, {})
    mapping = earlier.mapping or {}
    targets = {
        column.index: mapping.get(column.header, column.target) or "" for column in analysis.columns
    }
    return Chosen(targets, earlier.defaults, earlier.mode, earlier.force_kind)


def _from_form(analysis: Analysis) -> Chosen:
    form = request.form
    mode = form.get("mode", "")
    return Chosen(
        {c.index: form.get(f"target-{c.index}", c.target or "") for c in analysis.columns},
        {name: form[name].strip() for name in DEFAULTS if form.get(name, "").strip()},
        mode if mode in MODES else MODES[0],
        form.get("force_kind") == "yes",
    )


def _wish(analysis: Analysis, chosen: Chosen, place: tuple[str | None, int | None]) -> runs.Wish:
    """The form as an import is asked for. Untouched proposals are no mapping of the person's, so
    the same file is known as the same whichever way it came.
    """
    changed = any(chosen.targets[c.index] != (c.target or "") for c in analysis.columns)
    mapping = {c.header: chosen.targets[c.index] or None for c in analysis.columns}
    defaults = dict(chosen.defaults)
    if "currency" in defaults:
        defaults["currency"] = defaults["currency"].upper()
    return runs.Wish(
        sheet=place[0],
        header_row=place[1],
        mapping=mapping if changed else None,
        defaults=defaults,
        mode=chosen.mode,
        apply=request.form.get("then") != "preview",
        force_kind=chosen.force_kind,
    )


def _faults(refusal: InvalidInput | None, columns: tuple[ColumnMapping, ...]) -> dict[str, str]:
    """What to say where: by column (`target-3`), by default (`currency`), by `force_kind`."""
    if refusal is None:
        return {}
    if isinstance(refusal, NotABudget):
        return {"force_kind": refusal.detail}
    by_header = {column.header: f"target-{column.index}" for column in columns}
    said = {}
    for fault in refusal.faults:
        kind, _, name = fault.pointer.strip("/").partition("/")
        if kind == "mapping" and name in by_header:
            said[by_header[name]] = fault.detail
        elif name in DEFAULTS:
            said[name] = f"Choose a column for it above, or write it here. {fault.detail}"
    return said


def _page(
    stored: StoredFile,
    tenant: Tenant,
    analysis: Analysis,
    chosen: Chosen,
    place: tuple[str | None, int | None],
    refusal: InvalidInput | None = None,
) -> str:
    return render_template(
        "import_review.html",
        stored=stored,
        tenant=tenant,
        analysis=analysis,
        chosen=chosen,
        place=place,
        targets=TARGETS,
        required=REQUIRED,
        defaults=DEFAULTS,
        refusal=refusal,
        faults=_faults(refusal, analysis.columns),
    )
