"""A second table on the same sheet: further down under a header of its own, or to the right.

Its rows would pass for rows of the first table, so such a sheet is refused until one is chosen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bursar.fiscal import resolve
from bursar.importing.recognising.headers import Header, column_letters, is_blank, is_known_word
from bursar.importing.recognising.words import normalise
from bursar.importing.values.numbers import looks_numeric


@dataclass(frozen=True, slots=True)
class OtherTable:
    """Where another table begins. `row` counts raw rows from 0; `column` is its letter."""

    row: int | None
    column: str | None

    @property
    def detail(self) -> str:
        """What a person should do."""
        if self.row is not None:
            return (
                f"Another table begins in row {self.row + 1}, under a header of its own. Put each"
                " table on a sheet or into a file of its own, or delete the one that is not meant;"
                " if it is one table after all, import it with force_kind."
            )
        return (
            f"Another table begins in column {self.column}, beside the first one. Put each table"
            " on a sheet or into a file of its own, or delete the one that is not meant; if it is"
            " one table after all, import it with force_kind."
        )


def find_other_table(
    head: Sequence[Sequence[str]], header: Header, amounts: Sequence[int]
) -> OtherTable | None:
    """Look among the first rows for a table that is not the one under `header`."""
    return _beside(head, header) or _below(head, header, amounts)


def _below(
    head: Sequence[Sequence[str]], header: Header, amounts: Sequence[int]
) -> OtherTable | None:
    own = [normalise(name) for name in header.names]
    for i in range(header.row + 3, len(head) - 1):
        row = head[i]
        filled = [k for k, cell in enumerate(row) if cell and not cell.isspace()]
        where = [row[k].strip() for k in amounts if k < len(row)]
        # Words where amounts stand are a header only if they name something; else a bad amount.
        if len(filled) < 2 or not any(_heads_amounts(cell) for cell in where):
            continue
        if not all(_names_column(row[k]) for k in filled):
            continue
        if not any(is_known_word(row[k]) for k in filled):
            continue
        names = [normalise(row[k]) for k in filled]
        repeats = sum(
            k < len(own) and own[k] == name for k, name in zip(filled, names, strict=True)
        )
        if repeats >= 0.6 * len(filled):
            continue  # the header once more, on top of another page
        if _has_amounts(head[i + 1 : i + 6], filled) and not _recurs(head, header, i, filled):
            return OtherTable(i, None)
    return None


def _recurs(head: Sequence[Sequence[str]], header: Header, i: int, filled: Sequence[int]) -> bool:
    """Whether a cell of the row stands in other rows of its column too, as headers' words do not.

    A row whose amount is a note ("to be agreed") is all text, like a header; its department is not.
    """
    others = [row for j, row in enumerate(head[header.row + 1 :], header.row + 1) if j != i]
    return any(
        any(k < len(row) and row[k].strip() == head[i][k].strip() for row in others) for k in filled
    )


def repeats_header(row: Sequence[str], header: Sequence[str]) -> bool:
    """Whether a row is the header once more, as paged exports print it."""
    return [" ".join(cell.split()) for cell in row[: len(header)]] == list(header)


def _names_column(cell: str) -> bool:
    text = cell.strip()
    return len(text) <= 60 and (not looks_numeric(text) or resolve(text) is not None)


def _heads_amounts(cell: str) -> bool:
    named = is_known_word(cell) or resolve(cell) is not None
    return bool(cell) and not looks_numeric(cell) and named


def _has_amounts(rows: Sequence[Sequence[str]], columns: Sequence[int]) -> bool:
    """Whether a column of the rows below turns to numbers, as below a header."""
    filled = [row for row in rows if not is_blank(row)]
    return bool(filled) and any(
        all(k < len(row) and looks_numeric(row[k].strip()) for row in filled[:2]) for k in columns
    )


def _beside(head: Sequence[Sequence[str]], header: Header) -> OtherTable | None:
    if header.row < 0:
        return None
    names = [cell.strip() for cell in head[header.row]]
    body = [row for row in head[header.row + 1 :] if not is_blank(row)][:200]
    for gap in range(1, len(names) - 2):
        if names[gap] or any(gap < len(row) and row[gap].strip() for row in body):
            continue
        left = {normalise(name) for name in names[:gap] if name}
        right = [normalise(name) for name in names[gap + 1 :] if name]
        again = [name for name in right if name in left and is_known_word(name)]
        if len(left) >= 2 and len(right) >= 2 and len(again) >= 2:
            start = next(k for k in range(gap + 1, len(names)) if names[k])
            return OtherTable(None, column_letters(start))
    return None
