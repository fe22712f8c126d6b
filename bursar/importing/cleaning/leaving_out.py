"""Rows that are neither loaded nor rejected: totals, sections, and rows without any amount."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bursar.importing.cleaning.amounts import Amount
from bursar.importing.cleaning.binding import Binding
from bursar.importing.cleaning.rows import LeftOut
from bursar.importing.recognising.headers import is_blank
from bursar.importing.recognising.other_tables import repeats_header
from bursar.importing.recognising.parents import Parents
from bursar.importing.recognising.totals import LABELS, PlainTotals, TotalLabels
from bursar.importing.values.numbers import DASHES, is_absent, looks_numeric


class LeavingOut:
    """Decides which rows of a chunk are left out, and counts them."""

    def __init__(
        self,
        binding: Binding,
        counts: LeftOut,
        headers: Sequence[str] = (),
        section: int | None = None,
        parents: Parents | None = None,
        kinds: int | None = None,
    ) -> None:
        self._parents = parents
        self._tree = parents.tree.afresh() if parents is not None else None
        self._headers = headers
        self._labels = [binding.texts[t] for t in LABELS if t in binding.texts]
        if section is not None and section not in self._labels:
            self._labels.append(section)
        self._mapped = sorted(binding.texts.values())
        self._amounts = sorted({i for slot in binding.slots for i in slot.columns.values()})
        self._counts = counts
        self._sums = TotalLabels()
        self._plain = PlainTotals()
        period = {binding.texts[t] for t in ("fiscal_period", "currency") if t in binding.texts}
        taken = {*self._labels, *self._amounts, *period, kinds}
        self._others = [i for i in range(len(headers)) if i not in taken]

    def rows(
        self,
        rows: Sequence[Sequence[str]],
        columns: Sequence[Sequence[str]],
        amounts: Mapping[int, Sequence[Amount | None]],
        *,
        plain: bool,
    ) -> set[int]:
        """The positions in `rows` to leave out. `plain` says that every amount is a number."""
        skipped = self._repeated_headers(rows, columns)
        self._counts.empty += len(skipped)
        before = len(skipped)
        for index in self._labels:
            flags = list(map(self._sums.__getitem__, columns[index]))
            if True in flags:
                skipped |= {i for i, flag in enumerate(flags) if flag}
        for index in self._others:
            skipped |= self._plain.rows(columns[index])
        self._counts.totals += len(skipped) - before
        if self._parents is not None:
            skipped |= self._above_their_parts(rows, skipped)
        if self._mapped and all("" in columns[i] for i in self._mapped):
            skipped |= self._unlabelled(rows, columns, skipped)
        if not plain:
            skipped |= self._empty(rows, amounts, skipped)
        return skipped

    def _above_their_parts(self, rows: Sequence[Sequence[str]], skipped: set[int]) -> set[int]:
        """Parents, whose amounts are the sums of their parts."""
        if self._parents is None or self._tree is None:
            return set()
        found = set()
        for i, row in enumerate(rows):
            if i not in skipped and self._tree.path(row) in self._parents.paths:
                found.add(i)
        self._counts.totals += len(found)
        return found

    def _repeated_headers(
        self, rows: Sequence[Sequence[str]], columns: Sequence[Sequence[str]]
    ) -> set[int]:
        """Paged exports print the header on top of every page."""
        if not self._headers or self._headers[-1] not in columns[len(self._headers) - 1]:
            return set()
        return {i for i, row in enumerate(rows) if repeats_header(row, self._headers)}

    def _unlabelled(
        self, rows: Sequence[Sequence[str]], columns: Sequence[Sequence[str]], skipped: set[int]
    ) -> set[int]:
        """A grand total often has amounts and not one word beside them."""
        found = set()
        mapped = [columns[i] for i in self._mapped]
        for i, labels in enumerate(zip(*mapped, strict=True)):
            if i in skipped or any(labels):
                continue
            if is_blank(rows[i]):
                self._counts.blank += 1
            elif all(looks_numeric(cell) or not cell.strip() for cell in rows[i]):
                self._counts.totals += 1
            else:
                continue
            found.add(i)
        return found

    def _empty(
        self,
        rows: Sequence[Sequence[str]],
        amounts: Mapping[int, Sequence[Amount | None]],
        skipped: set[int],
    ) -> set[int]:
        found = set()
        for i, value in enumerate(amounts[self._amounts[0]]):
            if type(value) is str and value != "0":
                continue
            if i not in skipped and self._is_empty(rows[i]):
                self._counts.empty += 1
                found.add(i)
        return found

    def _is_empty(self, row: Sequence[str]) -> bool:
        """No amount in any of several amount columns, or nothing but one label in the row."""
        cells = [row[i].strip() if i < len(row) else "" for i in self._amounts]
        if not all(cell in DASHES or is_absent(cell) for cell in cells):
            return False
        if len(self._amounts) > 1:
            return True
        return not cells[0] and sum(1 for cell in row if cell.strip()) == 1
