"""Rows that sum up the rows next to them, where nothing but their amounts says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from bursar.importing.recognising.paths import Path, Paths

_MOST_ROWS = 500
_LEAST_SUMS = 2


class RowPaths(Paths):
    """By the whole text of a row."""

    needed = 1 << 30  # that amounts add up next to each other is no proof, however often

    def __init__(self, paths: Mapping[Path, Path]) -> None:
        self._paths = paths

    def path(self, row: Sequence[str]) -> Path | None:
        """The path that was found for a row of this text."""
        return self._paths.get(_text(row))

    def afresh(self) -> Paths:
        """Texts need no memory."""
        return self


def sums_in_order(
    body: Sequence[Sequence[str]], amounts: Sequence[Decimal | None]
) -> RowPaths | None:
    """The rows as sums and their parts, where the whole table is one run of them after another:
    each sum above its parts, or each below them.
    """
    lines = [(_text(row), a) for row, a in zip(body, amounts, strict=True) if a]
    if not 6 <= len(lines) <= _MOST_ROWS or len({text for text, _ in lines}) < len(lines):
        return None
    for ordered in (lines, lines[::-1]):
        runs = _runs([amount for _, amount in ordered])
        if len(runs) < _LEAST_SUMS:
            continue
        paths: dict[Path, Path] = {}
        for n, (start, end) in enumerate(runs):
            paths[ordered[start][0]] = (f"{n}",)
            for k in range(start + 1, end):
                paths[ordered[k][0]] = (f"{n}", f"{k}")
        return RowPaths(paths)
    return None


def _runs(amounts: Sequence[Decimal]) -> list[tuple[int, int]]:
    """Where each sum and its parts begin and end; nothing where some row belongs to none."""
    runs, start = [], 0
    while start < len(amounts):
        whole, total, end = amounts[start], Decimal(0), start + 1
        while end < len(amounts) and (total != whole or end < start + 3):
            total += amounts[end]
            end += 1
        if total != whole or end < start + 3:
            return []
        runs.append((start, end))
        start = end
    return runs


def _text(row: Sequence[str]) -> Path:
    texts = [cell.strip() for cell in row]
    while texts and not texts[-1]:
        texts.pop()
    return tuple(texts)
