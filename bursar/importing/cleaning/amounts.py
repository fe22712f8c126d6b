"""The compiled reader of a column of amounts: thousands of cells at a time to decimal text.

Amounts rarely repeat; a whole chunk that is already plain decimals is taken as it is after one
regular expression, other cells go through the column's convention.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

from bursar.importing.reading.cells import Numeric
from bursar.importing.reading.doubles import without_noise
from bursar.importing.values.codes import CellCode
from bursar.importing.values.numbers import (
    DecimalMark,
    NotANumber,
    is_absent,
    parse_number,
    shape_of,
)
from bursar.importing.values.refused import Refused

BLANK = Refused(CellCode.MISSING_AMOUNT, "The amount is blank.")
Amount = str | Refused


class AmountColumn:
    """Cells to canonical decimal text under one convention."""

    def __init__(
        self, mark: DecimalMark, places: int, unit: int = 1, *, credits_plain: bool = True
    ) -> None:
        self._mark = mark
        self._credits_plain = credits_plain
        self._unit = unit
        # Plain means canonical already: no superfluous zero in front, few enough decimals. Where
        # commas separate decimals, 1.000 means a thousand, also in currencies of three decimals.
        most = min(places, 2) if mark is DecimalMark.COMMA else places
        decimals = rf"(?:\.\d{{1,{most}}})?" if most else ""
        cell = rf"(?:-?[1-9]\d{{0,15}}|0){decimals}"
        self._plain = re.compile(rf"(?:{cell}\n)*", re.ASCII)
        self._one = re.compile(cell, re.ASCII)
        self._usual = _usual_cells(mark)
        self._grouping = "," if mark is DecimalMark.POINT else "."

    def all_plain(self, amounts: Sequence[str]) -> bool:
        """Whether every amount is canonical and within the decimals."""
        return self._plain.fullmatch("\n".join(amounts) + "\n") is not None

    def read(self, cells: Sequence[str]) -> tuple[Sequence[Amount], bool]:
        """One value a cell, in order, and whether all were plain to begin with.

        Where they were not, decimals and size are still for the caller to judge.
        """
        if self._unit != 1:
            return [self._scaled(cell, self._slowly(cell)) for cell in cells], False
        if self.all_plain(cells):
            return list(map(str, cells)), True
        # One search over all cells, one to a line, costs half of a match a cell.
        lines = self._usual.findall("\n".join(cells)) if self._usual else ()
        if len(lines) != len(cells) or Numeric in set(map(type, cells)):
            return list(map(self._singly, cells)), False
        grouping = self._grouping
        result: list[Amount] = []
        for cell, (opened, whole, decimals, closed) in zip(cells, lines, strict=True):
            if not whole or bool(closed) != (opened == "("):
                result.append(self._singly(cell))
                continue
            digits = whole.replace(grouping, "")
            if decimals:
                digits = f"{digits}.{decimals}"
            result.append(f"-{digits}" if opened else digits)
        return result, False

    def _singly(self, cell: str) -> Amount:
        return str(cell) if self._one.fullmatch(cell) else self._slowly(cell)

    def _scaled(self, cell: str, amount: Amount) -> Amount:
        if type(amount) is not str:
            return amount
        shape = None if self._one.fullmatch(cell) else shape_of(cell.strip())
        if shape is not None and shape["scale"]:
            return Refused(
                CellCode.AMBIGUOUS_NUMBER_FORMAT,
                f"{cell!r} names a unit of its own, and its column is multiplied by {self._unit:,}."
                " Write it in the unit of the column.",
            )
        whole, _, decimals = format(Decimal(amount) * self._unit, "f").partition(".")
        decimals = decimals.rstrip("0")
        return f"{whole}.{decimals}" if decimals else whole

    def _slowly(self, cell: str) -> Amount:
        text = cell.strip()
        if is_absent(text):
            return BLANK
        try:
            return parse_number(cell, self._mark, credits_plain=self._credits_plain)
        except NotANumber as problem:
            return Refused(problem.code, problem.detail)


def _usual_cells(mark: DecimalMark) -> re.Pattern[str] | None:
    """The usual way to write money under a convention: `$1,234.50`, `(500.00)`, `-1.234,56`.

    Finds each line; one that is written otherwise without any group.
    """
    if mark not in (DecimalMark.POINT, DecimalMark.COMMA):
        return None
    point, group = (r"\.", ",") if mark is DecimalMark.POINT else (",", r"\.")
    return re.compile(
        rf"^(?: ?(\(|-)?[$€£]? ?([1-9]\d{{0,2}}(?:{group}\d{{3}}){{0,4}}|[1-9]\d{{0,15}}|0)"
        rf"(?:{point}(\d{{1,4}}))? ?€?(\))?|.*)$",
        re.ASCII | re.MULTILINE,
    )


def fit_decimals(amount: str, places: int, currency: str) -> Amount:
    """The amount within its currency's decimals and the largest that is stored.

    Zeros behind and float noise are dropped; any other decimals are refused.
    """
    whole, _, decimals = amount.partition(".")
    if len(decimals) > places:
        decimals = decimals.rstrip("0")
        if len(decimals) > places and len(whole.lstrip("-")) + len(decimals) >= 15:
            tidy = format(without_noise(Decimal(amount)), "f")
            whole, _, decimals = tidy.partition(".")
            decimals = decimals.rstrip("0")
    if len(decimals) > places:
        return Refused(
            CellCode.TOO_MANY_DECIMALS,
            f"{amount} has more than the {places} decimals that {currency} has.",
        )
    if len(whole.lstrip("-")) > 16:
        return Refused(CellCode.AMOUNT_TOO_LARGE, f"{amount} is larger than can be stored.")
    if not decimals:
        return "0" if whole == "-0" else whole
    return f"{whole}.{decimals}"
