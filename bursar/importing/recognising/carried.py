"""Departments written only on the first line of their group, as a report prints them."""

from __future__ import annotations

from collections.abc import Sequence

from bursar.importing.recognising.totals import TotalLabels
from bursar.importing.values.refused import Value

_LEAST_BLANK = 0.25  # of the lines; fewer blanks are cells that somebody forgot
_LEAST_GROUPS = 2


def is_carried_down(
    body: Sequence[Sequence[str]], department: int, amounts: Sequence[int], labels: Sequence[int]
) -> bool:
    """Whether the blanks of the department's column plainly mean the department above.

    Every group begins with a name, names do not repeat from line to line, and the lines below a
    name say in another column (`labels`) what they are of.
    """
    groups = blank = lines = 0
    names: set[str] = set()
    follows = False
    for row in body:
        if not any(i < len(row) and row[i].strip() for i in amounts):
            continue
        lines += 1
        name = row[department].strip() if department < len(row) else ""
        if name:
            if name in names:
                return False  # who repeats a name writes it on every line
            names.add(name)
            follows = False
            continue
        if not _is_named(row, labels):
            continue  # a sum without a word, or an error of its own
        if not names:
            return False
        blank += 1
        groups += not follows
        follows = True
    return groups >= _LEAST_GROUPS and blank >= _LEAST_BLANK * lines


def _is_named(row: Sequence[str], labels: Sequence[int]) -> bool:
    return any(i < len(row) and row[i].strip() for i in labels)


class FilledDown:
    """Gives each row the department above it; remembers it from one chunk to the next.

    `labels` are the columns of which one has to say what the row is of.
    """

    def __init__(self, column: int, labels: Sequence[int]) -> None:
        self._column = column
        self._labels = tuple(labels)
        self._sums = TotalLabels()
        self._current: Value = None

    def fill(self, rows: Sequence[Sequence[str]], departments: Sequence[Value]) -> list[Value]:
        """The departments, with the one above where a row names none; none below a total, nor below
        a name that cannot be read.
        """
        result: list[Value] = []
        for row, own in zip(rows, departments, strict=True):
            if own is not None:
                text = row[self._column] if self._column < len(row) else ""
                known = isinstance(own, str) and not self._sums[text]
                self._current = own if known else None
                result.append(own)
            else:
                result.append(self._current if _is_named(row, self._labels) else None)
        return result
