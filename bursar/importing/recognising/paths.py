"""Where a row stands in a tree of rows: by its code, its indentation, or the columns it fills.

A path is a tuple that begins with the path of every row above it in the tree: (1, 1), (1, 1, 2).
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

from bursar.importing.recognising.vocabulary import vocabulary
from bursar.importing.recognising.words import normalise

Path = tuple[str, ...]
Rows = Sequence[Sequence[str]]

_PARTED = re.compile(r"[0-9A-Za-z]{1,8}(?:[.\-/][0-9A-Za-z]{1,8}){0,8}\.?", re.ASCII)
_DIGITS = re.compile(r"\d{1,12}", re.ASCII)
_PARTS = re.compile(r"[.\-/]")
_LONGEST = 200
_DEEPEST = 30  # levels of indentation; what is indented further stands beside the last of them


class Paths(ABC):
    """Gives each row its path; the rows have to come in order, each of them once.

    `needed` is how many sums it takes to prove that the rows are such a tree; the topmost `kept`
    levels are remembered of each row, however many rows there are.
    """

    needed: int = 1
    kept: int = 1

    @abstractmethod
    def path(self, row: Sequence[str]) -> Path | None:
        """The path of the row; None where it has none."""

    @abstractmethod
    def afresh(self) -> Paths:
        """The same for another pass over the rows."""


class CodePaths(Paths):
    """By codes: 1, 1.1, 1.1.2 or, where nothing parts them, 1, 11, 112 or 100, 110, 112."""

    def __init__(self, column: int, way: str) -> None:
        self._column, self._way = column, way
        # Where nothing parts them, that 10 stands before 101 may be chance.
        self.needed = 1 if way == "parts" else 2

    def path(self, row: Sequence[str]) -> Path | None:
        """The parts of the row's code."""
        code = _cell(row, self._column)
        if self._way == "parts":
            return tuple(_PARTS.split(code.rstrip("."))) if _PARTED.fullmatch(code) else None
        if not _DIGITS.fullmatch(code):
            return None
        return tuple(code.rstrip("0") if self._way == "zeros" else code) or None

    def afresh(self) -> Paths:
        """Codes need no memory."""
        return self


class IndentPaths(Paths):
    """By blanks in front of the label."""

    def __init__(self, column: int) -> None:
        self._column = column
        self._above: list[tuple[int, str]] = []

    def path(self, row: Sequence[str]) -> Path | None:
        """The labels above that are indented less, and the row's own."""
        text = row[self._column] if self._column < len(row) else ""
        label = text.strip()
        if not label:
            return None
        depth = len(text) - len(text.lstrip())
        while self._above and (self._above[-1][0] >= depth or len(self._above) >= _DEEPEST):
            self._above.pop()
        self._above.append((depth, label))
        return tuple(label for _, label in self._above)

    def afresh(self) -> Paths:
        """Without what stood above."""
        return IndentPaths(self._column)


class ColumnPaths(Paths):
    """By the label columns that a row fills: a department alone stands above its categories."""

    def __init__(self, columns: Sequence[int]) -> None:
        self._columns = tuple(columns)
        self._first = ""

    def path(self, row: Sequence[str]) -> Path | None:
        """The labels up to the last that is filled; the first may be carried down."""
        labels = [_cell(row, column) for column in self._columns]
        self._first = labels[0] = labels[0] or self._first
        while labels and not labels[-1]:
            labels.pop()
        return tuple(labels) or None

    def afresh(self) -> Paths:
        """Without what would be carried down."""
        return ColumnPaths(self._columns)


class AllPaths(Paths):
    """By labels such as `All departments` or `All`: above every row, or those of a department."""

    kept = 2

    def __init__(self, columns: Sequence[int], department: int | None) -> None:
        self._columns, self._department = tuple(columns), department

    def path(self, row: Sequence[str]) -> Path | None:
        """The department and the other labels, unless one says that the row is of all of them."""
        unit = _cell(row, self._department) if self._department is not None else ""
        if says_all(unit):
            return ("all",)
        labels = []
        for column in self._columns:
            text = _cell(row, column)
            if not says_all(text):
                labels.append(text)
            elif _says(text, "all_units"):
                return ("all",)
            else:
                return ("all", unit)
        return ("all", unit, "\n".join(labels))

    def afresh(self) -> Paths:
        """Labels need no memory."""
        return self


def says_all(text: str) -> bool:
    """Whether a label says that its row is of everything."""
    return _says(text, "all_units") or _says(text, "everything")


def _says(text: str, group: str) -> bool:
    return 0 < len(text) <= 40 and normalise(text) in vocabulary().words[group]


def possible_paths(
    body: Rows,
    width: int,
    amounts: Sequence[int],
    labels: Sequence[int],
    department: int | None = None,
) -> Iterator[Paths]:
    """Ways in which these rows may be a tree, the plainest first.

    `amounts` are the columns of amounts; `labels` those of department, category and the like.
    """
    others = [i for i in range(width) if i not in amounts]
    if any(says_all(text) for i in others for text in {_cell(row, i) for row in body}):
        yield AllPaths([i for i in others if i != department], department)
    for i in others:
        cells = [row[i] for row in body if i < len(row) and row[i].strip()]
        codes = [cell.strip() for cell in cells]
        if len(cells) < 3:
            continue
        if sum(_PARTED.fullmatch(c) is not None and c[0].isdigit() for c in codes) > 0.8 * len(
            codes
        ):
            yield from _code_paths(i, codes)
        indents = {len(cell) - len(cell.lstrip()) for cell in cells}
        if len(indents) > 1 and 0 in indents:
            yield IndentPaths(i)
    filled = [i for i in labels if any(_cell(row, i) for row in body)]
    if len(filled) > 1 and any(not _cell(row, i) for row in body for i in filled[1:]):
        yield ColumnPaths(filled)


def _code_paths(column: int, codes: Sequence[str]) -> Iterator[Paths]:
    if any(_PARTS.search(code.rstrip(".")) for code in codes):
        yield CodePaths(column, "parts")
        return
    lengths = {len(code) for code in codes if _DIGITS.fullmatch(code)}
    if len(lengths) > 1:
        yield CodePaths(column, "digits")
    elif lengths and lengths.pop() > 2:
        yield CodePaths(column, "zeros")


def _cell(row: Sequence[str], column: int) -> str:
    return row[column].strip()[:_LONGEST] if column < len(row) else ""
