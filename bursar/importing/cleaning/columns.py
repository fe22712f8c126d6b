"""Compiled readers, one a column: they turn thousands of cells at a time into values.

Texts, periods and currencies repeat, so each distinct text is understood once and looked up
afterwards. Amounts, which rarely do, have a module of their own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection

from bursar.fiscal import part_of_year, resolve, within
from bursar.importing.reading.cells import is_failed_formula, visible
from bursar.importing.recognising.short_years import ShortYears, written_out
from bursar.importing.values.codes import CellCode
from bursar.importing.values.dates import DateOrder, in_order
from bursar.importing.values.numbers import SIGN_CURRENCY
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
