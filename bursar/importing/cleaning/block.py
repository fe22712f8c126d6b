"""One chunk of rows while it is read, and the amounts in it."""

from __future__ import annotations

from collections.abc import Sequence

from bursar.importing.cleaning.amounts import BLANK, Amount, AmountColumn, fit_decimals
from bursar.importing.cleaning.readers import Readers
from bursar.importing.cleaning.rows import BudgetRow, CellError
from bursar.importing.values.codes import CellCode
from bursar.importing.values.numbers import PLAIN, affixes_of
from bursar.importing.values.refused import Refused, Value
from bursar.importing.values.signs import conflicting
from bursar.money import exponents


class Block:
    """One chunk of rows while it is read: what came of it, what was wrong, what is skipped."""

    def __init__(self, rows: list[list[str]], numbers: list[int]) -> None:
        self.rows = rows
        self.numbers = numbers
        self.results: list[list[BudgetRow]] = []
        self.errors: dict[int, list[CellError]] = {}
        self.skipped: set[int] = set()
        self.plain = True

    def fault(self, row: int, column: str | None, value: str, code: str, detail: str) -> None:
        """Note that row `row` of the chunk cannot be loaded, once for each column and code."""
        error = CellError(column, str(value), str(code), detail)
        errors = self.errors.setdefault(row, [])
        if error not in errors:
            errors.append(error)


class Amounts:
    """Reads the amount columns of a chunk, each row in its own currency."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers

    def read(
        self,
        index: int,
        reader: AmountColumn,
        block: Block,
        cells: Sequence[str],
        currencies: Sequence[Value],
    ) -> list[Amount | None]:
        """The amounts of one column; what is wrong with a cell is noted in the block."""
        read, plain = reader.read(cells)
        values: list[Amount | None] = list(read)
        uneven = self._uneven(currencies)
        if plain and not uneven:
            return values
        block.plain = block.plain and plain
        if uneven or not reader.all_plain([value for value in read if type(value) is str]):
            self._fit(values, currencies)
        header = self._readers.headers[index]
        if self._readers.varied and self._readers.signed:
            self._hold_to_currencies(header, block, cells, currencies)
        for i, value in enumerate(values):
            if type(value) is not Refused:
                continue
            if value is BLANK and (
                index not in self._readers.budget_columns or self._readers.skip_blank_periods
            ):
                values[i] = None
            else:
                block.fault(i, header, cells[i], value.code, value.detail)
        return values

    @staticmethod
    def _hold_to_currencies(
        header: str, block: Block, cells: Sequence[str], currencies: Sequence[Value]
    ) -> None:
        """Fault amounts whose sign says another currency than their row."""
        for i, (cell, currency) in enumerate(zip(cells, currencies, strict=True)):
            if type(currency) is not str or PLAIN.fullmatch(cell):
                continue
            wrong = conflicting(affixes_of(cell), currency)
            if wrong:
                detail = f"{cell!r} carries {wrong[0]}, but its row says {currency}."
                block.fault(i, header, cell, CellCode.CURRENCY_CONFLICT, detail)

    @staticmethod
    def _fit(values: list[Amount | None], currencies: Sequence[Value]) -> None:
        for i, (value, currency) in enumerate(zip(values, currencies, strict=True)):
            if type(value) is str and type(currency) is str:
                values[i] = fit_decimals(value, exponents()[currency], currency)

    def _uneven(self, currencies: Sequence[Value]) -> bool:
        """Whether some row's currency has fewer decimals than plain amounts may have."""
        if not self._readers.varied:
            return False
        return any(
            exponents().get(code, 0) < self._readers.places
            for code in set(currencies)
            if isinstance(code, str)
        )
