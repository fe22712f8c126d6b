"""Compiled readers, one a column: they turn thousands of cells at a time into values.

Texts, periods and currencies repeat, so each distinct text is understood once and looked up
afterwards. Amounts rarely repeat; a whole chunk that is already plain decimals is taken as it is
after one regular expression, other cells go through the column's convention.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from decimal import Decimal

from bursar.fiscal import part_of_year, resolve, within
from bursar.importing.reading.cells import Numeric, is_failed_formula, visible
from bursar.importing.reading.doubles import without_noise
from bursar.importing.recognising.short_years import ShortYears, written_out
from bursar.importing.values.codes import CellCode
from bursar.importing.values.dates import DateOrder, in_order
from bursar.importing.values.numbers import (
    SIGN_CURRENCY,
    DecimalMark,
    NotANumber,
    is_absent,
    parse_number,
)
from bursar.importing.values.refused import Refused, Value
from bursar.money import exponents

_REMEMBERED = 100_000  # distinct texts kept a column, so that memory stays flat
_LONGEST = {"notes": 10_000}
_LONGEST_TEXT = 500


class Lookup(dict[str, "Value"], ABC):
    """Each distinct cell text is understood once. `refuses` is set once one was refused."""

    def __init__(self) -> None:
        super().__init__()
        self.refuses = False

    def __missing__(self, cell: str) -> Value:
        if len(self) > _REMEMBERED:
            self.clear()
        value = self.understand(cell)
        self.refuses = self.refuses or type(value) is Refused
        self[cell] = value
        return value

    @abstractmethod
    def understand(self, cell: str) -> Value:
        """The value of one cell; None where it is blank."""


class TextColumn(Lookup):
    """Cell text to tidy text."""

    def __init__(self, target: str) -> None:
        super().__init__()
        self._keep_lines = target == "notes"
        self._longest = _LONGEST.get(target, _LONGEST_TEXT)

    def understand(self, cell: str) -> Value:
        """Blanks at the ends and runs of blanks go; notes keep their lines."""
        text = visible(cell)
        text = text.strip() if self._keep_lines else " ".join(text.split())
        if not text:
            return None
        if not self._keep_lines and is_failed_formula(text):
            return Refused(
                CellCode.FORMULA_ERROR, f"{text[:80]!r} is a formula or its error, and no text."
            )
        if "\x00" in text:
            return Refused(CellCode.CONTROL_CHARACTER, "The text holds a NUL character.")
        if len(text) > self._longest:
            return Refused(
                CellCode.TEXT_TOO_LONG,
                f"The text has {len(text)} characters; at most {self._longest} are stored.",
            )
        return text


class PeriodColumn(Lookup):
    """Cell text to the canonical code of a fiscal period, or of a part of the year it names."""

    def __init__(
        self,
        start: int,
        part: tuple[str, int] | None = None,
        year: str | None = None,
        order: DateOrder | None = None,
        years: ShortYears | None = None,
    ) -> None:
        super().__init__()
        self._start = start
        self._order = order
        self._years = years
        self._part = part
        self._year = resolve(year, start) if year else None

    def understand(self, cell: str) -> Value:
        """Refused where the text names no period."""
        text = visible(cell).strip()
        if not text:
            return None
        if self._order is not None:
            text = in_order(text, self._order)
        period = resolve(text, self._start)
        if period is None and self._years is not None:
            period = resolve(written_out(text, self._years) or text, self._start)
        own = part_of_year(text)
        if period is None and own and self._year and self._year.kind == "year":
            period = within(self._year, own, self._start)
        if period is None:
            return Refused(
                CellCode.UNKNOWN_PERIOD,
                f"{text[:80]!r} names no fiscal period, such as FY2025, 2025-01 or Q1 2025.",
            )
        if self._part is not None:
            period = within(period, self._part, self._start)
        return period.code


class CurrencyColumn(Lookup):
    """Cell text to an allowed ISO 4217 code. No allowed codes at all means any."""

    def __init__(self, allowed: Collection[str]) -> None:
        super().__init__()
        self._allowed = frozenset(allowed)

    def understand(self, cell: str) -> Value:
        """Signs that belong to one currency are read too."""
        text = visible(cell).strip()
        if not text:
            return None
        code = SIGN_CURRENCY.get(text, text.upper())
        if code not in exponents():
            return Refused(
                CellCode.UNKNOWN_CURRENCY,
                f"{text[:40]!r} is not an ISO 4217 currency code in use, such as USD.",
            )
        if self._allowed and code not in self._allowed:
            return Refused(CellCode.CURRENCY_NOT_ALLOWED, f"No budgets are kept in {code}.")
        return code


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
            return [self._scaled(self._slowly(cell)) for cell in cells], False
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

    def _scaled(self, amount: Amount) -> Amount:
        if type(amount) is not str:
            return amount
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
