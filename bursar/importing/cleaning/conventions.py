"""How one file writes numbers and dates: as a person answered, or as its whole columns show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from bursar.errors import Fault, InvalidInput, MappingIncomplete
from bursar.importing.cleaning.binding import Binding
from bursar.importing.reading import open_source
from bursar.importing.recognising.analysis import Analysis
from bursar.importing.recognising.questions import Question, open_questions
from bursar.importing.recognising.scanning import scan_rows
from bursar.importing.recognising.understanding import thousands_mark
from bursar.importing.values.dates import DateOrder
from bursar.importing.values.numbers import DecimalMark


@dataclass(frozen=True, slots=True)
class Answers:
    """What a person answered about one file; None is no answer."""

    decimal_marks: Mapping[str, str]
    date_order: str | None
    unit: int | None
    skip_blank_periods: bool


@dataclass(frozen=True, slots=True)
class Conventions:
    """`marks` by amount column; `date_order` of the period column; amounts times `unit`."""

    marks: Mapping[int, DecimalMark]
    date_order: DateOrder | None
    unit: int


def conventions_of(
    path: Path, analysis: Analysis, binding: Binding, answers: Answers
) -> Conventions:
    """Raises InvalidInput for an answer that is none, MappingIncomplete for an open question."""
    marks = dict(analysis.marks or {}) | _told_marks(analysis, answers)
    orders = dict(analysis.date_orders)
    amounts = sorted({i for slot in binding.slots for i in slot.columns.values()})
    period = binding.texts.get("fiscal_period")
    unknown = [i for i in amounts if i not in marks]
    fresh = [period] if period is not None and period not in orders else []
    open_dates = [i for i in [period] if i is not None and _asked_about(analysis, i)]
    if unknown or fresh:
        rows = open_source(path, analysis.file_name).rows(analysis.sheet)
        body = islice(rows, analysis.header_row + 1, None)
        scan = scan_rows([], body, unknown, [], fresh)
        marks |= {i: scan.mark(i, thousands_mark(analysis.headers)) for i in unknown}
        orders |= {i: scan.dates[i].decide() for i in fresh}
        open_dates += [i for i in fresh if scan.dates[i].is_open()]
    told_order = _told_order(answers.date_order)
    questions = open_questions(
        analysis.headers,
        {i: marks[i] for i in amounts},
        [] if told_order else open_dates,
        analysis.unit if answers.unit is None else 1,
    )
    if questions:
        raise _unanswered(questions)
    order = told_order or (orders.get(period) if period is not None else None)
    return Conventions({i: marks[i] for i in amounts}, order, answers.unit or 1)


def _asked_about(analysis: Analysis, index: int) -> bool:
    header = analysis.headers[index]
    return any(q.kind == "date_order" and q.column == header for q in analysis.questions)


def _told_marks(analysis: Analysis, answers: Answers) -> dict[int, DecimalMark]:
    told = {}
    for header, mark in answers.decimal_marks.items():
        if header not in analysis.headers or mark not in (".", ","):
            detail = f"{header!r} is no column, or {mark!r} is no decimal mark."
            raise InvalidInput(
                detail, faults=[Fault("/decimal_marks", "invalid_decimal_mark", detail)]
            )
        told[analysis.headers.index(header)] = DecimalMark(mark)
    return told


def _told_order(order: str | None) -> DateOrder | None:
    if order is None:
        return None
    if order not in list(DateOrder):
        detail = f"{order!r} is no order of dates; say day_first or month_first."
        raise InvalidInput(detail, faults=[Fault("/date_order", "invalid_date_order", detail)])
    return DateOrder(order)


def _unanswered(questions: tuple[Question, ...]) -> MappingIncomplete:
    pointers = {
        "decimal_mark": "/decimal_marks", "date_order": "/date_order", "unit": "/unit",
    }  # fmt: skip
    faults = [Fault(pointers[q.kind], f"{q.kind}_open", q.detail) for q in questions]
    return MappingIncomplete(" ".join(q.detail for q in questions), faults=faults)
