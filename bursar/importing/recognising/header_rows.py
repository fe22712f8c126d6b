"""Headers of two rows: the lower one goes on naming the columns of the upper one."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bursar.fiscal import find, resolve
from bursar.importing.values.numbers import is_absent, looks_numeric

_BODY = 20
_LONGEST = 40
_QUANTITY = re.compile(r"[^\w(]*\(?[\d.,' ]*\d[\d.,' ]*[^\W\d_]{0,3}\W{0,2}")


def goes_on(rows: Sequence[Sequence[str]], at: int) -> bool:
    """Whether the row below row `at` belongs to the same header.

    It has words where the rows below have numbers, below words of the upper row.
    """
    if at < 0 or at + 1 >= len(rows):
        return False
    upper = [cell.strip() for cell in rows[at]]
    lower = [cell.strip() for cell in rows[at + 1]]
    names = [cell for cell in lower if cell]
    body = [row for row in rows[at + 2 : at + 2 + 3 * _BODY] if any(map(str.strip, row))][:_BODY]
    if len(names) < 2 or len(body) < 2 or any(len(name) > _LONGEST for name in names):
        return False
    if sum(map(_is_name, upper)) < 0.6 * max(len(upper), len(lower)) or _recurs(lower, body):
        return False
    numeric = over = 0
    for i, name in enumerate(upper):
        values = [row[i].strip() for row in body if i < len(row) and row[i].strip()]
        if len(values) < 2 or sum(map(looks_numeric, values)) * 2 <= len(values):
            continue
        numeric += 1
        below = lower[i] if i < len(lower) else ""
        over += bool(below) and _is_name(name) and _names_numbers(below, values)
        if below and not _names_numbers(below, values):
            return False
    return over * 2 > numeric


def is_footnote(rows: Sequence[Sequence[str]], at: int, body: int) -> bool:
    """Whether more rows of the table stand above row `at` than the `body` rows below it."""
    if body >= _BODY:
        return False
    above = 0
    for row in rows[:at]:
        cells = [cell.strip() for cell in row if cell.strip()]
        numbers = sum(map(looks_numeric, cells))
        above += len(cells) >= 3 and 0 < numbers < len(cells)
    return above > max(3, body)


def mostly_numbers(values: Sequence[str]) -> bool:
    """More than half of them."""
    return sum(map(looks_numeric, values)) * 2 > len(values)


def all_numbers(values: Sequence[str]) -> bool:
    """All of at least two."""
    return len(values) >= 2 and all(map(looks_numeric, values))


def joined(upper: Sequence[str], lower: Sequence[str]) -> list[str]:
    """One header row of two."""
    width = max(len(upper), len(lower))
    above = [*upper, *[""] * (width - len(upper))]
    below = [*lower, *[""] * (width - len(lower))]
    return [f"{a.strip()} {b.strip()}".strip() for a, b in zip(above, below, strict=True)]


def _recurs(row: Sequence[str], body: Sequence[Sequence[str]]) -> bool:
    """Whether a text of the row stands below it too, as `FY2025` does in a line with a bad amount.
    A header that is printed again on another page recurs as a whole.
    """
    lines = [[cell.strip() for cell in line] for line in body]
    return list(row) not in lines and any(
        _is_name(cell) and any(i < len(line) and line[i] == cell for line in lines)
        for i, cell in enumerate(row)
    )


def _is_name(cell: str) -> bool:
    return any(c.isalpha() for c in cell) and not looks_numeric(cell)


def _names_numbers(cell: str, values: Sequence[str]) -> bool:
    """Whether the cell names a column of these numbers instead of being one of them."""
    if is_absent(cell) or cell.endswith(":"):
        return False
    if not looks_numeric(cell):
        # `10%` and `12 FTE` are bad numbers rather than names; `2025 Bud` names a year.
        return find(cell) is not None or _QUANTITY.fullmatch(cell) is None
    return resolve(cell) is not None and not any(map(resolve, values))
