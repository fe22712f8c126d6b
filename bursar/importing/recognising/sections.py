"""Departments that stand in rows of their own, above the lines that belong to them.

`Department: Parks`, or a lone label with no amount beside it, holds for every line below it until
the next one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bursar.importing.recognising.constants import labelled_department
from bursar.importing.recognising.totals import TotalLabels
from bursar.importing.values.numbers import is_absent, looks_numeric
from bursar.importing.values.refused import Value

_LONGEST = 100
_COVERED = 0.9  # of the lines stand below a section, or the lone labels are something else


@dataclass(frozen=True, slots=True)
class Sections:
    """The column of the labels, and the first of them."""

    column: int
    names: tuple[str, ...]


class SectionLabels:
    """Tells rows that are sections from others, and what department they name."""

    def __init__(self, column: int | None = None) -> None:
        self._column = column
        self._sums = TotalLabels()

    def label(self, row: Sequence[str]) -> str | None:
        """The department that the row names for the rows below it; None for any other row."""
        found = self.place(row)
        return found[1] if found and self._column in (None, found[0]) else None

    def place(self, row: Sequence[str]) -> tuple[int, str] | None:
        """Column and text of the only cell of a row, where it is a label."""
        filled = [i for i, cell in enumerate(row) if cell and not cell.isspace()]
        if len(filled) == 2 and filled[1] == filled[0] + 1:
            name, value = (row[i].strip() for i in filled)
            if not name.endswith(":") or looks_numeric(value):
                return None
            named = labelled_department(f"{name} {value}")
            return (filled[0], named) if named else None
        if len(filled) != 1:
            return None
        text = " ".join(row[filled[0]].split())
        if len(text) > _LONGEST or looks_numeric(text) or self._sums[text] or _is_remark(text):
            return None
        return filled[0], labelled_department(text) or text


def _is_remark(text: str) -> bool:
    """`(continued)`, `Note: see appendix` or `subject to approval` name no department."""
    return text[0] in "(*[" or text[0].islower() or text.lower().startswith(("note", "source:"))


def find_sections(
    body: Sequence[Sequence[str]], amounts: Sequence[int], department: int | None
) -> Sections | None:
    """Sections among the first rows, where no column names a department for its lines.

    `department` is the column that is proposed as the department, if any: its labels are sections
    where the lines below them leave it blank.
    """
    labels = SectionLabels()
    current: tuple[int, str] | None = None
    columns: Counter[int] = Counter()
    names: list[str] = []
    lines = covered = 0
    explicit = False
    for row in body:
        place = labels.place(row)
        if place is not None:
            explicit = explicit or place[1] != " ".join(row[place[0]].split())
            current = place
            continue
        if not any(i < len(row) and _is_amount(row[i]) for i in amounts):
            continue
        lines += 1
        if current is None or (department is not None and row[department].strip()):
            continue
        covered += 1
        if not names or names[-1] != current[1]:
            names.append(current[1])
            columns[current[0]] += 1
    if not columns or covered < _COVERED * lines:
        return None
    column, count = columns.most_common(1)[0]
    if count < 0.8 * len(names) or (len(names) < 2 and not explicit):
        return None
    if department is not None and column != department:
        return None
    return Sections(column, tuple(names[:50]))


def _is_amount(cell: str) -> bool:
    return not is_absent(cell) and looks_numeric(cell)


class CarriedDown:
    """Gives each row the department of its section; remembers it from one chunk to the next."""

    def __init__(self, column: int) -> None:
        self._labels = SectionLabels(column)
        self._current: str | None = None

    def fill(self, rows: Sequence[Sequence[str]], departments: Sequence[Value]) -> list[Value]:
        """The departments, with those of sections where a row names none."""
        result: list[Value] = []
        for row, own in zip(rows, departments, strict=True):
            label = self._labels.label(row)
            if label is not None:
                self._current = label
            result.append(self._current if label is not None or own is None else own)
        return result
