"""How a whole column writes numbers, decided by all of its cells, exactly or not at all.

Evidence is collected over all cells; where there is none, the answer is `ambiguous` and a person
is asked.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from bursar.importing.reading.cells import Numeric
from bursar.importing.values.numbers import (
    GROUPED,
    ONE_GROUP,
    STRIP_SPACES,
    DecimalMark,
    affixes,
    shape_of,
)
from bursar.importing.values.signs import has_small_change

_ENOUGH = 2000
# Shapes that only the other convention has; a match is looked at again, cell by cell.
_AGAINST_POINT = re.compile(r",\d{1,2}(?!\d)|,\d{4}|\.\d{3}[.,]|(?<!\d),\d", re.ASCII)
_AGAINST_COMMA = re.compile(r"\.\d{1,2}(?!\d)|\.\d{4}|,\d{3}[.,]|(?<!\d)\.\d", re.ASCII)
# A sign, code or mark; those that were seen before are taken out first.
_MARK = re.compile("[^0-9 \t\n.,()'\u2019+\\-\u2212\u2013\u00a0\u202f]")
_FEW = 8


@dataclass(slots=True)
class Evidence:
    """What the cells of one column have shown so far. Fill it with `look`, then `decide`.

    `point` and `comma` count cells that prove their decimal mark; the ambiguous ones may mean
    either, the money ones of them carry a currency that has no third decimal.
    """

    point: int = 0
    comma: int = 0
    ambiguous_point: int = 0
    ambiguous_comma: int = 0
    money_point: int = 0
    money_comma: int = 0
    cells: int = 0
    filled: int = 0
    credits: int = 0
    signs: set[str] = field(default_factory=set)

    @property
    def credits_are_plain(self) -> bool:
        """Whether CR marks the exceptions; where most are marked, it may be how amounts stand."""
        return self.credits * 2 <= self.filled

    def look(self, cells: Sequence[str]) -> None:
        """Take some cells of the column into account.

        Once thousands of cells agree, only cells that would contradict them, or carry a mark that
        was not seen before, are looked for.
        """
        self.filled += len(cells) - cells.count("")
        if self.cells > _ENOUGH and not (self.point and self.comma):
            cells = self._unexpected(cells)
        entries = False
        for cell in set(cells):
            if type(cell) is not Numeric and not cell.isdigit():
                entries = self._look_at(cell) or entries
        if entries:
            self.credits += sum(cell.rstrip(" .")[-2:] == "CR" for cell in cells)

    def _unexpected(self, cells: Sequence[str]) -> Sequence[str]:
        if len(self.signs) > _FEW:
            return cells
        against = _AGAINST_POINT if self.point else _AGAINST_COMMA
        text = "\n".join(cells)
        plain = text
        known = sorted(self.signs, key=len, reverse=True)
        for sign in known:
            plain = plain.replace(sign, "")
        if against.search(text) is None and _MARK.search(plain) is None:
            return ()
        lines = plain.split("\n") if plain.count("\n") == len(cells) - 1 else cells
        return [
            cell
            for cell, line in zip(cells, lines, strict=True)
            if against.search(cell) or _MARK.search(line)
        ]

    def _look_at(self, cell: str) -> bool:
        """Take one cell into account; whether it is marked as a credit."""
        shape = shape_of(cell.strip())
        if shape is None:
            return False
        self.cells += 1
        signs = affixes(shape)
        self.signs.update(signs)
        digits = shape["digits"].translate(STRIP_SPACES)
        points, commas = digits.count("."), digits.count(",")
        if points and commas:
            self._count("." if digits.rindex(".") > digits.rindex(",") else ",")
        elif points + commas == 1:
            mark = "." if points else ","
            ambiguous = ONE_GROUP.fullmatch(digits) is not None
            self._count(mark, ambiguous=ambiguous)
            if ambiguous and not shape["scale"] and any(map(has_small_change, signs)):
                self.money_point += mark == "."
                self.money_comma += mark == ","
        elif points + commas > 1 and GROUPED["." if points else ","].fullmatch(digits):
            # 1.234.567 groups by points, so decimals would follow a comma; 1.2.3 says nothing.
            self._count("," if points else ".")
        return bool(shape["entry"] == "CR")

    def _count(self, mark: str, *, ambiguous: bool = False) -> None:
        if mark == ".":
            self.ambiguous_point += ambiguous
            self.point += not ambiguous
        else:
            self.ambiguous_comma += ambiguous
            self.comma += not ambiguous

    def decide(self, *, thousands: str = "", whole: bool = True) -> DecimalMark:
        """`thousands` is the mark that the file's language groups with, as last evidence.

        `whole` says that amounts count single units of money: then `$1,000` has no three decimals.
        """
        if self.point and self.comma:
            return DecimalMark.MIXED
        if self.point:
            return DecimalMark.POINT
        if self.comma:
            return DecimalMark.COMMA
        if self.ambiguous_point and self.ambiguous_comma:
            return DecimalMark.AMBIGUOUS
        if self.ambiguous_point:
            grouped = thousands == "." or (whole and self.money_point)
            return DecimalMark.COMMA if grouped else DecimalMark.AMBIGUOUS
        if self.ambiguous_comma:
            grouped = thousands == "," or (whole and self.money_comma)
            return DecimalMark.POINT if grouped else DecimalMark.AMBIGUOUS
        return DecimalMark.NONE
