"""A chunk of rows, read column by column: budget rows, rejected rows, and rows left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat

from bursar.importing.cleaning.amounts import Amount
from bursar.importing.cleaning.binding import Slot
from bursar.importing.cleaning.block import Amounts, Block
from bursar.importing.cleaning.columns import Lookup, PeriodColumn
from bursar.importing.cleaning.leaving_out import LeavingOut
from bursar.importing.cleaning.readers import TEXTS, Readers
from bursar.importing.cleaning.rows import BudgetRow, CellError, LeftOut, RejectedRow
from bursar.importing.recognising.carried import FilledDown
from bursar.importing.recognising.sections import CarriedDown
from bursar.importing.values.codes import CellCode
from bursar.importing.values.refused import Refused, Value


class BlockReader:
    """Reads one chunk after the other; what it remembers does not grow with the file."""

    def __init__(self, readers: Readers, left_out: LeftOut) -> None:
        self._readers = readers
        self._amounts = Amounts(readers)
        self._left_out = left_out
        self._leaving_out = LeavingOut(
            readers.binding,
            left_out,
            readers.headers,
            readers.section_column,
            readers.parents,
            readers.kinds_column,
        )
        section, carried = readers.section_column, readers.carried_column
        self._carried: CarriedDown | FilledDown | None = None
        if section is not None:
            self._carried = CarriedDown(section)
        elif carried is not None:
            self._carried = FilledDown(carried, readers.labels)

    def read(self, chunk: list[list[str]], first: int) -> list[BudgetRow | RejectedRow]:
        """What the rows of `chunk` give, in order; `first` is the number of its first row."""
        block = self._read_block(chunk, first)
        if block is None:
            return []
        if len(block.results) == 1:
            single: list[BudgetRow | RejectedRow] = list(block.results[0])
            for i, errors in block.errors.items():
                single[i] = self._rejected(block, i, errors)
            if block.skipped:
                return [row for i, row in enumerate(single) if i not in block.skipped]
            return single
        several: list[BudgetRow | RejectedRow] = []
        for i, group in enumerate(zip(*block.results, strict=True)):
            if i in block.skipped:
                continue
            if i in block.errors:
                several.append(self._rejected(block, i, block.errors[i]))
            else:
                several.extend(row for row in group if row.budgeted_amount is not None)
        return several

    def _rejected(self, block: Block, row: int, errors: Sequence[CellError]) -> RejectedRow:
        cells = tuple(map(str, block.rows[row]))
        return RejectedRow(block.numbers[row], self._readers.sheet, cells, tuple(errors))

    def _read_block(self, chunk: list[list[str]], first: int) -> Block | None:
        block = Block(*self._without_blanks(chunk, first))
        if not block.rows:
            return None
        columns = self._squared(block)
        texts = {
            target: self._looked_up(block, reader, self._readers.binding.texts[target], columns)
            for target, reader in self._readers.texts.items()
        }
        currencies = self._with_default("currency", self._readers.currencies, block, columns)
        amounts = {
            i: self._amounts.read(i, reader, block, columns[i], currencies)
            for i, reader in self._readers.amounts.items()
        }
        departments = texts.get("department")
        if departments is None:
            departments = [self._readers.department] * len(block.rows)
        if self._carried is not None:
            departments = self._carried.fill(block.rows, departments)
        elif (above := self._readers.departments) is not None:
            pairs = zip(departments, block.numbers, strict=True)
            departments = [above.get(number) if own is None else own for own, number in pairs]
        if None in departments:
            departments = self._filled_in(block, departments, columns)
        for slot in self._readers.binding.slots:
            periods = self._slot_periods(slot, block, columns)
            parts = [
                block.numbers,
                departments,
                texts.get("sub_category") or repeat(self._readers.sub_category),
                periods,
                currencies,
                *(texts.get(target) or repeat(None) for target in TEXTS),
                amounts[slot.columns["budgeted_amount"]],
                self._optional(amounts, slot, "committed_amount"),
                self._optional(amounts, slot, "actual_amount"),
            ]
            block.results.append(list(map(BudgetRow._make, zip(*parts, strict=False))))
        block.skipped = self._leaving_out.rows(block.rows, columns, amounts, plain=block.plain)
        return block

    def _without_blanks(
        self, chunk: list[list[str]], first: int
    ) -> tuple[list[list[str]], list[int]]:
        rows = [row for row in chunk if any(row)]
        if len(rows) == len(chunk):
            return chunk, list(range(first, first + len(chunk)))
        self._left_out.blank += len(chunk) - len(rows)
        return rows, [first + i for i, row in enumerate(chunk) if any(row)]

    def _squared(self, block: Block) -> list[Sequence[str]]:
        """Columns of equal length; cells beyond the header are a fault unless blank."""
        width = len(self._readers.headers)
        if {len(row) for row in block.rows} != {width}:
            square = []
            for i, row in enumerate(block.rows):
                if len(row) > width and any(cell.strip() for cell in row[width:]):
                    block.fault(
                        i, None, row[width], CellCode.EXTRA_CELLS,
                        f"The row has {len(row)} cells; the header has {width}.",
                    )  # fmt: skip
                square.append([*row[:width], *[""] * (width - len(row))])
            return list(zip(*square, strict=True))
        return list(zip(*block.rows, strict=True))

    def _looked_up(
        self, block: Block, reader: Lookup, index: int, columns: Sequence[Sequence[str]]
    ) -> list[Value]:
        values = list(map(reader.__getitem__, columns[index]))
        if reader.refuses:
            for i, value in enumerate(values):
                if type(value) is Refused:
                    self._refuse(block, i, index, columns, value)
        return values

    def _refuse(
        self,
        block: Block,
        row: int,
        index: int,
        columns: Sequence[Sequence[str]],
        refused: Refused,
    ) -> None:
        header = self._readers.headers[index]
        block.fault(row, header, columns[index][row], refused.code, refused.detail)

    def _with_default(
        self, target: str, reader: Lookup, block: Block, columns: Sequence[Sequence[str]]
    ) -> list[Value]:
        index = self._readers.binding.texts.get(target)
        default: Value = self._readers.currency
        if index is None:
            return [default] * len(block.rows)
        values = self._looked_up(block, reader, index, columns)
        return [value or default for value in values] if None in values else values

    def _filled_in(
        self, block: Block, departments: list[Value], columns: Sequence[Sequence[str]]
    ) -> list[Value]:
        if self._readers.department:
            return [value or self._readers.department for value in departments]
        index = self._readers.binding.texts.get("department", self._readers.section_column or 0)
        missing = Refused(CellCode.MISSING_DEPARTMENT, "The row names no department.")
        for i, value in enumerate(departments):
            if value is None:
                self._refuse(block, i, index, columns, missing)
        return departments

    def _slot_periods(
        self, slot: Slot, block: Block, columns: Sequence[Sequence[str]]
    ) -> Iterable[Value]:
        index = self._readers.binding.texts.get("fiscal_period")
        if slot.period is not None:
            return repeat(slot.period)
        if index is None:
            return repeat(self._own_part(slot.part))
        values = self._looked_up(block, self._readers.periods[slot.part], index, columns)
        if None not in values:
            return values
        default = self._own_part(slot.part)
        if default:
            return [value or default for value in values]
        missing = Refused(CellCode.MISSING_PERIOD, "The row names no fiscal period.")
        for i, value in enumerate(values):
            if value is None:
                self._refuse(block, i, index, columns, missing)
        return values

    def _own_part(self, part: tuple[str, int] | None) -> str | None:
        """The default period, or the part of it that a column stands for."""
        if part is None or self._readers.period is None:
            return self._readers.period
        value = PeriodColumn(self._readers.start, part)[self._readers.period]
        return value if isinstance(value, str) else None

    @staticmethod
    def _optional(
        amounts: Mapping[int, list[Amount | None]], slot: Slot, measure: str
    ) -> Iterable[Amount | None]:
        index = slot.columns.get(measure)
        return repeat(None) if index is None else amounts[index]
