"""What the forms of an import say: targets by column, values for every row, how to go about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from flask import request

from bursar.errors import InvalidInput, NotABudget
from bursar.importing import runs
from bursar.importing.choices.confirming import DEFAULTS
from bursar.importing.recognising.analysis import Analysis
from bursar.importing.recognising.mapping import ColumnMapping
from schema.tables import ImportRun

MODES = ("all_or_nothing", "skip_errors")
Place = tuple[str | None, int | None]


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the forms say at the moment."""

    targets: dict[int, str]
    defaults: dict[str, str]
    mode: str = MODES[0]
    force_kind: bool = False
    answers: dict[str, Any] = field(default_factory=dict)


def place_of(fields: Any) -> Place:
    """Sheet and header row of an address or a form; people count rows from 1."""
    row = fields.get("header_row", "").strip()
    number = int(row) - 1 if row.isascii() and row.isdigit() and len(row) < 6 else None
    return fields.get("sheet") or None, number if number is None or number >= 0 else None


def first_choice(analysis: Analysis, earlier: ImportRun | None) -> Chosen:
    """What the forms start with: the proposal, or what an earlier import of the file chose."""
    proposed = {column.index: column.target or "" for column in analysis.columns}
    if earlier is None:
        return Chosen(proposed, {})
    mapping = earlier.mapping or {}
    targets = {
        column.index: mapping.get(column.header, column.target) or "" for column in analysis.columns
    }
    return Chosen(targets, earlier.defaults, earlier.mode, earlier.force_kind, earlier.answers)


def chosen_in_form(analysis: Analysis) -> Chosen:
    """What the form that was sent says."""
    form = {name: value.replace("\0", "") for name, value in request.form.items()}
    mode = form.get("mode", "")
    return Chosen(
        {c.index: form.get(f"target-{c.index}", c.target or "") for c in analysis.columns},
        {name: form[name].strip() for name in DEFAULTS if form.get(name, "").strip()},
        mode if mode in MODES else MODES[0],
        form.get("force_kind") == "yes",
        _answers(analysis),
    )


def _answers(analysis: Analysis) -> dict[str, Any]:
    """What was answered about numbers; the questions are named by their place in the list."""
    answers: dict[str, Any] = {}
    for n, question in enumerate(analysis.questions):
        given = request.form.get(f"answer-{n}", "")
        if given not in {str(choice) for choice in question.choices}:
            continue
        if question.kind == "decimal_mark":
            answers.setdefault("decimal_marks", {})[question.column] = given
        elif question.kind == "unit" and question.column is not None:
            answers.setdefault("units", {})[question.column] = int(given)
        elif question.kind == "unit":
            answers["unit"] = int(given)
        else:
            answers[question.kind] = given
    return answers


def wish_of(analysis: Analysis, chosen: Chosen, place: Place, *, apply: bool) -> runs.Wish:
    """The form as an import is asked for. Untouched proposals are no mapping of the person's, so
    the same file is known as the same whichever way it came.
    """
    changed = any(chosen.targets[c.index] != (c.target or "") for c in analysis.columns)
    # Who goes on from the page of columns has said which of those with one name is meant.
    changed = changed or any(question.kind == "column" for question in analysis.questions)
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
        apply=apply,
        force_kind=chosen.force_kind,
        answers=chosen.answers,
    )


def faults_by_field(
    refusal: InvalidInput | None, columns: tuple[ColumnMapping, ...]
) -> dict[str, str]:
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
            said[name] = f"Map a column to it, or write it here. {fault.detail}"
    return said
