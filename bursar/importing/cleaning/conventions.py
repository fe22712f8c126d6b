"""How one file writes numbers and dates: as a person answered, or as its whole columns show."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from bursar.errors import Fault, InvalidInput, MappingIncomplete
from bursar.importing.cleaning.answers import Answers
from bursar.importing.cleaning.binding import Binding
from bursar.importing.cleaning.counting_units import open_units, told_unit
from bursar.importing.reading import open_source
from bursar.importing.recognising.analysis import Analysis
from bursar.importing.recognising.parents import Parents
from bursar.importing.recognising.parents_again import find_parents
from bursar.importing.recognising.questions import (
    Question,
    open_questions,
    parents_of,
    settled,
)
from bursar.importing.recognising.scanning import Scan, scan_rows
from bursar.importing.recognising.totals import LABELS
from bursar.importing.recognising.understanding import thousands_mark
from bursar.importing.values.dates import DateOrder
from bursar.importing.values.numbers import DecimalMark


@dataclass(frozen=True, slots=True)
class Conventions:
    """`marks`, and `units` to multiply by, go by amount column; `signs` are all that amounts carry;
    `unclear_credits` are columns of which CR does not tell the sign.
    """

    marks: Mapping[int, DecimalMark]
    date_order: DateOrder | None
    units: Mapping[int, int]
    signs: tuple[str, ...]
    unclear_credits: frozenset[int]
    parents: Parents | None
    """Rows that are left out, as they are sums of others."""


def conventions_of(
    path: Path,
    analysis: Analysis,
    binding: Binding,
    answers: Answers,
    mapping: Collection[str] = (),
) -> Conventions:
    """`mapping` are the headers that a person mapped.

    Raises InvalidInput for an answer that is none, MappingIncomplete for an open question.
    """
    marks = dict(analysis.marks or {}) | _told_marks(analysis, answers)
    orders = dict(analysis.date_orders)
    amounts = sorted({i for slot in binding.slots for i in slot.columns.values()})
    period = binding.texts.get("fiscal_period")
    unknown = [i for i in amounts if i not in marks]
    fresh = [period] if period is not None and period not in orders else []
    open_dates = [i for i in [period] if i is not None and _asked_about(analysis, i)]
    scan = _scan_again(path, analysis, unknown, fresh) if unknown or fresh else Scan()
    marks |= {i: scan.mark(i, thousands_mark(analysis.headers)) for i in unknown}
    orders |= {i: scan.dates[i].decide() for i in fresh}
    open_dates += [i for i in fresh if scan.dates[i].is_open()]
    again = _parents_again(path, analysis, binding) if unknown else None
    parents = again or analysis.parents
    told_order = _told_order(answers.date_order)
    told = _told_parents(answers.parents)
    questions = open_questions(
        analysis.headers,
        {i: marks[i] for i in amounts},
        [] if told_order else open_dates,
        open_units(analysis, amounts, answers),
    )
    if parents is not None and not parents.certain and not told:
        questions += (parents_of(parents.detail),)
    questions += tuple(
        q for q in settled(analysis.questions, mapping) if q.kind in ("sheet", "column")
    )
    if questions:
        raise _unanswered(questions)
    order = told_order or (orders.get(period) if period is not None else None)
    certain = parents is not None and parents.certain
    return Conventions(
        {i: marks[i] for i in amounts},
        order,
        {i: told_unit(analysis, i, amounts, answers) or 1 for i in amounts},
        tuple(sorted({*analysis.signs, *scan.signs(unknown)})),
        analysis.unclear_credits | scan.unclear_credits(),
        parents if told == "leave_out" or (certain and not told) else None,
    )


def _scan_again(
    path: Path, analysis: Analysis, amounts: Sequence[int], periods: Sequence[int]
) -> Scan:
    """A look at columns that a person chose, and that were not recognised for what they are."""
    source = open_source(path, analysis.file_name)
    body = islice(source.rows(analysis.sheet), analysis.header_row + 1, None)
    scan = scan_rows([], body, amounts, [], periods)
    scan.show(source.symbols(analysis.sheet))
    return scan


def _parents_again(path: Path, analysis: Analysis, binding: Binding) -> Parents | None:
    """Rows that are sums, by columns of amounts that a person chose."""
    return find_parents(
        open_source(path, analysis.file_name),
        analysis.sheet,
        analysis.header_row + 1,
        len(analysis.headers),
        sorted({slot.columns["budgeted_amount"] for slot in binding.slots}),
        sorted({i for slot in binding.slots for i in slot.columns.values()}),
        sorted(i for target, i in binding.texts.items() if target in LABELS),
        binding.texts.get("department"),
    )


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


def _told_parents(answer: str | None) -> str | None:
    if answer not in (None, "leave_out", "load"):
        detail = f"{answer!r} is no answer; say leave_out or load."
        raise InvalidInput(detail, faults=[Fault("/parents", "invalid_parents", detail)])
    return answer


def _unanswered(questions: tuple[Question, ...]) -> MappingIncomplete:
    pointers = {
        "decimal_mark": "/decimal_marks", "date_order": "/date_order", "unit": "/unit",
        "parents": "/parents", "sheet": "/sheet", "column": "/mapping",
    }  # fmt: skip
    faults = [
        Fault("/units" if q.kind == "unit" and q.column else pointers[q.kind], f"{q.kind}_open",
              q.detail)
        for q in questions
    ]  # fmt: skip
    incomplete = MappingIncomplete(" ".join(q.detail for q in questions), faults=faults)
    incomplete.questions = questions
    return incomplete
