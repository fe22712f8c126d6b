"""Sources: their health, their runs and files, and a hand to test, run, pause and edit them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from werkzeug.exceptions import NotFound

from bursar.errors import BursarError, Conflict, InvalidInput, SourceFault
from bursar.sources import editing, health, pausing, retaking, scheduling
from bursar.sources.places import actions_of
from connectors.syncing import open_source
from schema.tables import Source
from web.auth import OPERATE, READ, known_as, principal, require, transaction
from web.jobs import announce
from web.pages import source_form
from web.pages.source_form import ACTIONS, CONFIG, SECRET, TYPES

blueprint = Blueprint("source_pages", __name__, url_prefix="/sources")


@blueprint.get("")
@require(READ)
def index() -> Any:
    """All sources with their health and their last runs."""
    with transaction() as session:
        found = editing.list_sources(session, limit=25, cursor=request.args.get("cursor") or None)
        rows = [(row.Source, *health.standing(session, row.Source)) for row in found.rows]
        pauses = pausing.pauses(session)
    return render_template("sources.html", rows=rows, found=found, types=TYPES, pauses=pauses)


@blueprint.post("/pause")
@blueprint.post("/resume", endpoint="resume_all")
@require(OPERATE)
def pause_all() -> Any:
    """Let all sources of the tenant rest, or go on."""
    on = request.endpoint == "source_pages.resume_all"
    with transaction() as session:
        pausing.resume_tenant(session) if on else pausing.pause_tenant(session, known_as())
    flash("The sources go on by their schedules." if on else "All sources rest.")
    return redirect(url_for("source_pages.index"), 303)


@blueprint.get("/new")
@blueprint.get("/new/<kind>")
@require(OPERATE)
def new(kind: str = "") -> Any:
    """Ask for the type of a source, then for the rest."""
    return _form(kind, None, None)


@blueprint.post("/new/<kind>")
@require(OPERATE)
def create(kind: str) -> Any:
    """Make a source, and go on to test it."""
    if kind not in TYPES:
        raise NotFound
    who = principal()
    try:
        with transaction() as session:
            new = source_form.new_source(kind)
            source_id = editing.create_source(session, who.tenant_id, new, who.actor).id
    except (InvalidInput, Conflict) as refusal:
        return _form(kind, None, refusal)
    flash("The source is made. Test it before you rely on it.")
    return redirect(url_for("source_pages.show", source_id=source_id), 303)


@blueprint.get("/<uuid:source_id>")
@require(READ)
def show(source_id: UUID) -> Any:
    """One source: how it is, what it has done, what it has seen."""
    return _page(source_id)


@blueprint.post("/<uuid:source_id>/test")
@require(OPERATE)
def test(source_id: UUID) -> Any:
    """Connect, sign in and look; the page says what stands in the way."""
    with transaction() as session:
        source = editing.get_source(session, source_id)
        secret = editing.read_secret(session, source)
    try:
        with open_source(source, secret) as place:
            seen = place.check()
    except SourceFault as fault:
        return _page(source_id, fault=fault)
    return _page(source_id, seen=seen)


@blueprint.post("/<uuid:source_id>/agree")
@require(OPERATE)
def agree(source_id: UUID) -> Any:
    """Agree to the host key that a test has shown."""
    key = request.form.get("host_key", "").strip()
    with transaction() as session:
        source = editing.get_source(session, source_id, lock=True)
        editing.change_source(session, source, source.row_version, {"config": {"host_key": key}})
    flash("The host key is agreed to. From now on only a server with this key is talked to.")
    return redirect(url_for("source_pages.show", source_id=source_id), 303)


@blueprint.post("/<uuid:source_id>/run")
@require(OPERATE)
def run(source_id: UUID) -> Any:
    """Look at a source now."""
    with transaction() as session:
        source = editing.get_source(session, source_id, lock=True)
        _, bell = scheduling.start_run(session, source, "manual", principal().actor)
    if bell is not None:
        announce(bell)
    flash("The source is being looked at." if bell else "A run is under way already.")
    return redirect(url_for("source_pages.show", source_id=source_id), 303)


@blueprint.post("/<uuid:source_id>/pause")
@blueprint.post("/<uuid:source_id>/resume", endpoint="resume")
@require(OPERATE)
def pause(source_id: UUID) -> Any:
    """Let a source rest, or go on."""
    active = request.endpoint == "source_pages.resume"
    with transaction() as session:
        source = editing.get_source(session, source_id, lock=True)
        editing.change_source(session, source, source.row_version, {"is_active": active})
    flash("The source goes on by its schedule." if active else "The source rests.")
    return redirect(url_for("source_pages.show", source_id=source_id), 303)


@blueprint.post("/<uuid:source_id>/files/<uuid:file_id>/retake")
@require(OPERATE)
def retake(source_id: UUID, file_id: UUID) -> Any:
    """Take a file again that failed or was not taken."""
    with transaction() as session:
        source = editing.get_source(session, source_id, lock=True)
        file, bell = retaking.retake(session, source, file_id, principal().actor)
    if bell is not None:
        announce(bell)
    kept = file.file_id is not None
    flash("It is imported again." if kept else "The next run takes it, if it is still there.")
    return redirect(url_for("source_pages.show", source_id=source_id), 303)


@blueprint.get("/<uuid:source_id>/edit")
@require(OPERATE)
def edit(source_id: UUID) -> Any:
    """The form of a source."""
    with transaction() as session:
        source = editing.get_source(session, source_id)
    return _form(source.type, source, None)


@blueprint.post("/<uuid:source_id>/edit")
@require(OPERATE)
def change(source_id: UUID) -> Any:
    """Change a source, unless somebody else has meanwhile."""
    version = request.form.get("version", "")
    with transaction() as session:
        source = editing.get_source(session, source_id)
    try:
        with transaction() as session:
            locked = editing.get_source(session, source_id, lock=True)
            seen = int(version) if version.isascii() and version.isdigit() else 0
            editing.change_source(session, locked, seen, source_form.changes(locked))
    except BursarError as refusal:
        return _form(source.type, source, refusal)
    flash("The source is changed.")
    return redirect(url_for("source_pages.show", source_id=source_id), 303)


@blueprint.post("/<uuid:source_id>/delete")
@require(OPERATE)
def delete(source_id: UUID) -> Any:
    """Take a source away."""
    with transaction() as session:
        editing.delete_source(session, editing.get_source(session, source_id, lock=True))
    flash("The source is gone, and its secret with it. What it has loaded stays.")
    return redirect(url_for("source_pages.index"), 303)


def _page(source_id: UUID, seen: str = "", fault: SourceFault | None = None) -> Any:
    with transaction() as session:
        source = editing.get_source(session, source_id)
        word, runs = health.standing(session, source)
        cursor = request.args.get("cursor") or None
        files = editing.list_files(session, source_id, limit=25, cursor=cursor)
        has_secret = editing.has_secret(session, source)
        pauses = pausing.pauses(session)
    return render_template(
        "source.html", source=source, health=word, runs=runs, files=files, types=TYPES,
        fields=CONFIG[source.type], has_secret=has_secret, seen=seen, fault=fault,
        pauses=pauses,
    )  # fmt: skip


def _form(kind: str, source: Source | None, refusal: BursarError | None) -> Any:
    if kind and kind not in TYPES:
        raise NotFound
    body = render_template(
        "source_form.html", kind=kind, types=TYPES, source=source, refusal=refusal,
        offered=source_form.offered(),
        config=CONFIG.get(kind, ()), secret=SECRET.get(kind, ()),
        typed=source_form.typed(source) if kind else {},
        actions={one: ACTIONS[one] for one in actions_of(kind)} if kind else {},
        wrong={f.pointer.rpartition("/")[2]: f.detail for f in refusal.faults} if refusal else {},
    )  # fmt: skip
    return make_response(body, 422 if refusal else 200)
