"""Everything found out about a file before anything is loaded: the answer of the analyze call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from bursar.errors import EmptyFile, InvalidInput
from bursar.importing.reading import Source, open_source
from bursar.importing.recognising.constants import Constant
from bursar.importing.recognising.equal_headers import equal_headers
from bursar.importing.recognising.headers import is_blank
from bursar.importing.recognising.kinds import Detection
from bursar.importing.recognising.mapping import ColumnMapping
from bursar.importing.recognising.mixed_rows import MixedRows, find_mixed_rows
from bursar.importing.recognising.other_tables import OtherTable, find_other_table
from bursar.importing.recognising.parents import (
    Parents,
    TooManyRows,
    Tree,
    find_tree,
    tree_of_all,
)
from bursar.importing.recognising.questions import Question, open_questions, parents_of, sheet_of
from bursar.importing.recognising.rival_amounts import rival_amounts
from bursar.importing.recognising.scanning import HEAD, Scan, scan_rows
from bursar.importing.recognising.sheets import Choice, choose_sheet
from bursar.importing.recognising.short_years import ShortYears
from bursar.importing.recognising.totals import LABELS
from bursar.importing.recognising.understanding import (
    Options,
    Understanding,
    find_constants,
    missing_fields,
    thousands_mark,
    understand,
    warnings_of,
)
from bursar.importing.recognising.units import notes_below, unit_of_notes, units_of_columns
from bursar.importing.recognising.vocabulary import MEASURES
from bursar.importing.values.dates import DateOrder
from bursar.importing.values.numbers import DecimalMark

_SHOWN = 10


@dataclass(frozen=True)
class Analysis:
    """One sheet of one file, understood. `header_row` counts raw rows from 0; -1: there is none.

    `total_rows` are the rows below the header that are neither blank nor totals; `unit` is 1, or
    what title or notes say that amounts are counted in, `units` what the headers of single columns
    say; `marks` says how each amount column writes decimals, `date_orders` what comes first in
    dates, `years` how years are written short; `questions` are for a person to answer;
    `section_column` has departments in rows of their own.
    """

    file_name: str
    sheets: tuple[str, ...]
    sheet: str | None
    header_row: int
    headers: tuple[str, ...]
    sample_rows: tuple[tuple[str, ...], ...]
    total_rows: int
    layout: str
    columns: tuple[ColumnMapping, ...]
    detection: Detection
    missing_required: tuple[str, ...]
    can_proceed: bool
    constants: Mapping[str, Constant]
    unit: int = 1
    units: Mapping[int, int] = field(default_factory=dict)
    marks: Mapping[int, DecimalMark] | None = None
    date_orders: Mapping[int, DateOrder | None] = field(default_factory=dict)
    years: Mapping[int, ShortYears] = field(default_factory=dict)
    questions: tuple[Question, ...] = ()
    signs: tuple[str, ...] = ()
    """Currency signs and codes seen beside amounts."""
    unclear_credits: frozenset[int] = frozenset()
    """Amount columns of which most cells are marked CR."""
    parents: Parents | None = None
    section_column: int | None = None
    carried_column: int | None = None
    """Where a blank means the department of the line above."""
    departments: Mapping[int, str] | None = None
    """By row, of rows that were taken out of their table: what those above them named there."""
    other_table: OtherTable | MixedRows | TooManyRows | None = None
    kinds_column: int | None = None
    """Whose values tell kinds of rows apart, and call none of them a mere total."""

    def to_wire(self) -> dict[str, object]:
        """JSON-ready, in the shape of the API; ids are the caller's to add."""
        return {
            "file_name": self.file_name,
            "sheets": list(self.sheets),
            "sheet": self.sheet,
            "header_row": self.header_row if self.header_row >= 0 else None,
            "headers": list(self.headers),
            "sample_rows": [list(row) for row in self.sample_rows],
            "total_rows": self.total_rows,
            "layout": self.layout,
            "columns": [column.to_wire() for column in self.columns],
            "detection": self.detection.to_wire(),
            "missing_required": list(self.missing_required),
            "can_proceed": self.can_proceed,
            "constants": {
                field: {"value": constant.value, "origin": constant.origin}
                for field, constant in self.constants.items()
            },
            "unit": self.unit,
            "questions": [question.to_wire() for question in self.questions],
        }


def analyze(
    path: Path,
    file_name: str,
    *,
    sheet: str | None = None,
    header_row: int | None = None,
    keywords: Mapping[str, Sequence[str]] | None = None,
    fiscal_start_month: int = 1,
) -> Analysis:
    """Read the file once and propose what everything in it means.

    Raises UnreadableFile, EmptyFile, FileLimitExceeded, SheetNotFound, InvalidInput.
    """
    source = open_source(path, file_name)
    options = Options(header_row, keywords, fiscal_start_month)
    choice = Choice(sheet)
    if sheet is None and source.sheets:
        choice = choose_sheet(source, options)
    return _analyze_sheet(source, choice, options)


def _analyze_sheet(source: Source, choice: Choice, options: Options) -> Analysis:
    header_row, sheet = options.header_row, choice.sheet
    rows = source.rows(sheet)
    head = list(islice(rows, HEAD + (header_row or 0)))
    place = f"Sheet {sheet!r} of {source.file_name}" if sheet else source.file_name
    if all(is_blank(row) for row in head):
        raise EmptyFile(f"{place} has no rows. Export it again and check that it holds a table.")
    if header_row is not None and header_row >= len(head):
        raise InvalidInput(f"{place} has no row {header_row}; rows count from 0.")
    found = understand(source, sheet, head, options)
    amounts = [c.index for c in found.columns if c.target in MEASURES]
    tree = _tree(found, amounts)
    scan = _scan(found, head, rows, amounts, tree)
    if tree is None and len(head) >= HEAD:
        tree = _late_tree(source, sheet, found, scan, amounts)
    scan.show(source.symbols(sheet))
    constants = find_constants(found, scan, amounts)
    missing = missing_fields(found, constants)
    names = found.header.names
    unit = unit_of_notes([*found.header.titles, *notes_below([*found.body, *scan.last])])
    units = units_of_columns(names, found.header.groups)
    stated = {i: units.get(i, unit) for i in amounts}
    whole = all(size == 1 for size in stated.values())
    marks = {i: scan.mark(i, thousands_mark(names), whole=whole) for i in amounts}
    open_dates = [i for i, seen in scan.dates.items() if seen.is_open()]
    parents = tree.parents() if tree is not None else None
    questions = open_questions(names, marks, open_dates, stated)
    questions += equal_headers(found.columns, found.body) or rival_amounts(
        found.columns, found.table
    )
    if parents is not None and not parents.certain:
        questions += (parents_of(parents.detail),)
    if choice.alike and sheet is not None:
        questions += (sheet_of(sheet, choice.alike),)
    other = _refusal(head, found, amounts, parents)
    warnings = [*found.detection.warnings, *warnings_of(scan, missing, found)]
    warnings += [parents.detail] if parents is not None and parents.certain else []
    warnings += choice.notes
    warnings += source.notes(sheet)
    warnings += [question.detail for question in questions]
    warnings += [other.detail] if other else []
    detection = replace(found.detection, warnings=tuple(warnings))
    return Analysis(
        file_name=source.file_name,
        sheets=source.sheets,
        sheet=sheet,
        header_row=found.header.row,
        headers=names,
        sample_rows=tuple(tuple(str(cell) for cell in row) for row in found.body[:_SHOWN]),
        total_rows=scan.rows - (parents.rows if parents is not None and parents.certain else 0),
        layout=found.layout,
        columns=found.columns,
        detection=detection,
        missing_required=missing,
        can_proceed=not (missing or questions or other) and detection.kind == "budget",
        constants=constants,
        unit=unit,
        units=units,
        marks=marks,
        date_orders={i: seen.decide() for i, seen in scan.dates.items()},
        years=found.years,
        questions=questions,
        signs=tuple(sorted(scan.signs(amounts))),
        carried_column=found.carried,
        section_column=found.sections.column if found.sections else None,
        other_table=other,
        kinds_column=other.index if isinstance(other, MixedRows) else None,
        unclear_credits=scan.unclear_credits(),
        parents=parents,
    )


def _refusal(
    head: list[list[str]], found: Understanding, amounts: list[int], parents: Parents | None
) -> OtherTable | MixedRows | TooManyRows | None:
    """Why the sheet is not read as one table whose rows add up."""
    return (
        find_other_table(head, found.header, amounts)
        or find_mixed_rows(found.columns, found.body)
        or (parents.refusal if parents is not None else None)
    )


def _tree(found: Understanding, amounts: Sequence[int]) -> Tree | None:
    """The tree that the first rows are, if any."""
    budgets, department = _budgets(found)
    labels = sorted(c.index for c in found.columns if c.target in LABELS)
    width = len(found.header.names)
    return find_tree(found.body, width, budgets, amounts, labels, department)


def _budgets(found: Understanding) -> tuple[list[int], int | None]:
    """The columns of budgets, and the one of departments."""
    department = next((c.index for c in found.columns if c.target == "department"), None)
    return [c.index for c in found.columns if c.target == "budgeted_amount"], department


def _late_tree(
    source: Source, sheet: str | None, found: Understanding, scan: Scan, amounts: list[int]
) -> Tree | None:
    """A tree under a row of everything at the end of a file too long to be seen at once."""
    budgets, department = _budgets(found)
    others = [i for i in range(len(found.header.names)) if i not in amounts]
    tree = tree_of_all(scan.last, others, {i: scan.mark(i) for i in budgets}, department)
    if tree is not None:
        _scan(found, [], islice(source.rows(sheet), found.header.row + 1, None), [], tree)
    return tree


def _scan(
    found: Understanding,
    head: list[list[str]],
    rest: Iterator[list[str]],
    amounts: list[int],
    tree: Tree | None,
) -> Scan:
    """One pass over every row below the header."""
    labels = [c.index for c in found.columns if c.target in LABELS]
    if found.sections and found.sections.column not in labels:
        labels.append(found.sections.column)
    periods = [c.index for c in found.columns if c.target == "fiscal_period"]
    apart = {
        *labels,
        *amounts,
        *(c.index for c in found.columns if c.target in ("fiscal_period", "currency")),
    }
    others = [i for i in range(len(found.header.names)) if i not in apart]
    return scan_rows(
        head[found.header.row + 1 :], rest, amounts, labels or [0], periods, tree, others
    )
