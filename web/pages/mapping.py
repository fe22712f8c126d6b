"""Bringing a file in: upload, map its columns, review how it will be read, start the import."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

from flask import Blueprint, g, make_response, redirect, render_template, request, url_for
from sqlalchemy.orm import Session

from bursar import files, metrics
from bursar.errors import InvalidInput, MappingIncomplete, NotABudget
from bursar.importing import example, runs
from bursar.importing.choices.confirming import DEFAULTS, with_choices
from bursar.importing.choices.interpretation import interpret
from bursar.importing.cleaning.clean import BudgetRow, RejectedRow
from bursar.importing.recognising.analysis import Analysis
from bursar.importing.recognising.questions import Question
from bursar.importing.recognising.vocabulary import REQUIRED, TARGETS
from bursar.importing.stored import analyze_stored, clean_stored
from bursar.reports.ranges import Calendar
from bursar.tenants import get_tenant
from schema.tables import ImportRun, StoredFile, Tenant
from web.auth import IMPORT, principal, require, transaction
from web.downloads import workbook
from web.jobs import announce
from web.pages.going import uuid_or_none
from web.pages.import_form import (
    Chosen,
    Place,
    answer_name,
    answers_given,
    chosen_in_form,
    faults_by_field,
    first_choice,
    place_of,
    wish_of,
)
from web.transfer import receive, upload_limit

blueprint = Blueprint("mapping", __name__, url_prefix="/imports")
_READ = 400  # rows that the review reads
_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Reading:
    """A file as this tenant reads it, before anybody has chosen anything for this import."""

    stored: StoredFile
    tenant: Tenant
    analysis: Analysis
    is_budget: bool
    template: tuple[UUID, int] | None
    place: Place


@blueprint.get("/new")
@require(IMPORT)
def new() -> Any:
    """Ask for a file."""
    with transaction() as session:
        limit = upload_limit(get_tenant(session))
    return render_template("import_new.html", limit=limit, refusal=None)


@blueprint.get("/example.xlsx")
@require(IMPORT)
def example_file() -> Any:
    """An example workbook of the present fiscal year, to fill in."""

    def make(session: Session, place: Path) -> None:
        tenant = get_tenant(session)
        calendar = Calendar.of(tenant)
        year = calendar.fiscal_year_of(calendar.day_of(datetime.now(UTC)))
        example.write_example(place, year.code, tenant.base_currency)

    return workbook(make, example.NAME)


@blueprint.post("/new")
@require(IMPORT)
def upload() -> Any:
    """Take a file in, and go on to its columns. What cannot be read is said here."""
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
    place = place_of(request.args)
    earlier: ImportRun | None = None
    again = uuid_or_none(request.args.get("again"))
    if again is not None:
        with transaction() as session:
            earlier = runs.get_run(session, again)
        if place == (None, None):
            place = earlier.sheet, earlier.header_row
    reading = _read(file_id, place)
    return _map_page(reading, first_choice(reading.analysis, earlier))


@blueprint.post("/files/<uuid:file_id>")
@require(IMPORT)
def start(file_id: UUID) -> Any:
    """Go where the form's button says: to the review, back to the columns, or on to the import.

    What does not fit is said on the page that it belongs to.
    """
    reading = _read(file_id, place_of(request.form))
    chosen = chosen_in_form(reading.analysis)
    then = request.form.get("then", "import")
    if then == "map":
        return _map_page(reading, chosen)
    wish = wish_of(reading.analysis, chosen, reading.place, apply=then == "import")
    try:
        mapped = with_choices(reading.analysis, wish.mapping)
    except InvalidInput as refusal:
        return make_response(_map_page(reading, chosen, refusal), 422)
    if then == "review":
        return _review_page(reading, mapped, chosen, wish)
    try:
        if not (reading.is_budget or chosen.force_kind):
            raise NotABudget("Tick “This is a budget” below if it is one.")
        clean_stored(reading.stored, reading.tenant, mapped, wish)
    except InvalidInput as refusal:
        return make_response(_review_page(reading, mapped, chosen, wish, refusal), 422)
    return _begin(reading, wish)


def _begin(reading: Reading, wish: runs.Wish) -> Any:
    who = principal()
    with transaction() as session:
        run = runs.request_import(session, who.tenant_id, reading.stored.id, wish, who.actor)
        bell = runs.start(session, run, "imports.run", who.actor, g.request_id)
    announce(bell)
    return redirect(url_for("import_pages.show", import_id=run.id), 303)


def _read(file_id: UUID, place: Place) -> Reading:
    with transaction() as session:
        tenant = get_tenant(session)
        stored = files.get_file(session, file_id)
    recognised = analyze_stored(stored, tenant, sheet=place[0], header_row=place[1])
    with transaction() as session:
        found = interpret(session, tenant, recognised, runs.Wish())
    if any(question.kind == "sheet" for question in found.analysis.questions):
        # The page shows which sheet it is, so to go on with it is the answer.
        rest = tuple(q for q in found.analysis.questions if q.kind != "sheet")
        found = replace(found, analysis=replace(found.analysis, questions=rest))
        place = (recognised.sheet, place[1])
    return Reading(stored, tenant, found.analysis, found.is_budget, found.template, place)


def _map_page(reading: Reading, chosen: Chosen, refusal: InvalidInput | None = None) -> str:
    return render_template(
        "import_map.html",
        stored=reading.stored,
        analysis=reading.analysis,
        template=reading.template,
        chosen=chosen,
        place=reading.place,
        targets=TARGETS,
        required=REQUIRED,
        refusal=refusal,
        faults=faults_by_field(refusal, reading.analysis.columns),
    )


def _review_page(
    reading: Reading,
    mapped: Analysis,
    chosen: Chosen,
    wish: runs.Wish,
    refusal: InvalidInput | None = None,
) -> str:
    rows: list[BudgetRow | RejectedRow] = []
    lacking: InvalidInput | None = None
    try:
        rows = list(islice(clean_stored(reading.stored, reading.tenant, mapped, wish), _READ))
    except MappingIncomplete as incomplete:
        lacking = incomplete
        mapped = replace(mapped, questions=_with_new(mapped, incomplete))
    except InvalidInput as wrong:
        refusal = refusal or wrong
    return render_template(
        "import_review.html",
        stored=reading.stored,
        tenant=reading.tenant,
        analysis=mapped,
        is_budget=reading.is_budget,
        chosen=chosen,
        questions=[
            (answer_name(mapped, question.kind, question.column), question)
            for question in mapped.questions
        ],
        given=answers_given(mapped, chosen.answers),
        place=reading.place,
        defaults=DEFAULTS,
        refusal=refusal,
        lacking=faults_by_field(lacking, mapped.columns),
        open=lacking is not None and any(f.code.endswith("_open") for f in lacking.faults),
        faults=faults_by_field(refusal, mapped.columns),
        shown=[row for row in rows if isinstance(row, BudgetRow)][:_SHOWN],
        wrong=[row for row in rows if isinstance(row, RejectedRow)][:_SHOWN],
        read=len(rows),
        wrong_count=sum(isinstance(row, RejectedRow) for row in rows),
    )


def _with_new(mapped: Analysis, incomplete: MappingIncomplete) -> tuple[Question, ...]:
    """The questions, with those that came up for columns that the person chose."""
    known = {(question.kind, question.column) for question in mapped.questions}
    new = [q for q in incomplete.questions if (q.kind, q.column) not in known]
    return (*mapped.questions, *new)
