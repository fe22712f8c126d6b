"""What the forms of an import say: targets by column, values for every row, how to go about it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import request

from bursar.errors import InvalidInput, NotABudget
from bursar.importing import runs
from bursar.importing.choices.confirming import DEFAULTS
from bursar.importing.recognising.analysis import Analysis
from bursar.importing.recognising.mapping import ColumnMapping
from bursar.importing.values.dates import DateOrder
from schema.tables import ImportRun

MODES = ("all_or_nothing", "skip_errors")
Place = tuple[str | None, int | None]
_BY_COLUMN = {"decimal_mark": "decimal_marks", "unit": "units"}
_CHOICES = {
    "decimal_mark": (".", ","),
    "unit": ("1", "1000", "1000000", "1000000000"),
    "date_order": tuple(DateOrder),
    "parents": ("leave_out", "load"),
}
_ANSWER = re.compile(rf"answer-(?P<kind>{'|'.join(_CHOICES)})(?:-(?P<index>\d{{1,5}}))?", re.ASCII)


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


def answer_name(analysis: Analysis, kind: str, column: str | None) -> str:
    """What the answer to a question is called in the form, wherever it stands in the list."""
    if column is None or kind == "date_order":  # one order of dates holds for the whole file
        return f"answer-{kind}"
    return f"answer-{kind}-{analysis.headers.index(column)}"


def answers_given(analysis: Analysis, answers: Mapping[str, Any]) -> dict[str, str]:
    """The answers as the form writes them, by their names in it."""
    given = {
        answer_name(analysis, kind, header): str(value)
        for kind, group in _BY_COLUMN.items()
        for header, value in (answers.get(group) or {}).items()
        if header in analysis.headers
    }
    alone = {k: str(answers[k]) for k in ("date_order", "unit", "parents") if answers.get(k)}
    return given | {answer_name(analysis, kind, None): value for kind, value in alone.items()}


def _answers(analysis: Analysis) -> dict[str, Any]:
    """What was answered of all that can be asked about numbers and rows."""
    answers: dict[str, Any] = {}
    for name, given in request.form.items():
        found = _ANSWER.fullmatch(name)
        if found is None or given not in _CHOICES[found["kind"]]:
            continue
        kind, index = found["kind"], int(found["index"] or -1)
        value = int(given) if kind == "unit" else given
        if 0 <= index < len(analysis.headers) and kind in _BY_COLUMN:
            answers.setdefault(_BY_COLUMN[kind], {})[analysis.headers[index]] = value
        elif index < 0 and kind != "decimal_mark":
            answers[kind] = value
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
