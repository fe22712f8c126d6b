"""How far the cells of a sheet reach, and whether a parser can afford to lay them out.

Parsers keep a cell for every place of the rectangle down to the last row and out to the last
column, so one stray cell far out costs as much as a full sheet.
"""

from __future__ import annotations

from dataclasses import dataclass

from bursar.config import settings
from bursar.errors import FileLimitExceeded

_CELL_BYTES = 32  # about what a parser keeps for each cell of the rectangle
_AFFORDABLE = 2_600_000  # cells that cost little, however few of them are filled
_LEAST_FILLED = 0.1  # part of the cells


@dataclass(slots=True)
class Extent:
    """The last row and column of any cell of a sheet, counted from 1, and how many cells."""

    row: int = 0
    column: int = 0
    cells: int = 0

    def add(self, row: int, column: int) -> None:
        """Count one cell."""
        self.row = max(self.row, row)
        self.column = max(self.column, column)
        self.cells += 1

    @property
    def is_sparse(self) -> bool:
        """Whether the rectangle is large and nearly empty."""
        return self._rectangle > max(_AFFORDABLE, self.cells / _LEAST_FILLED)

    @property
    def _rectangle(self) -> int:
        return self.row * max(self.column, 1)

    def check(self, file_name: str) -> None:
        """Raises FileLimitExceeded for a sheet that is too large, or large and nearly empty."""
        limits = settings()
        if self.column > limits.column_limit:
            raise FileLimitExceeded(
                f"{file_name} has cells in column {self.column}; at most {limits.column_limit}"
                " columns are allowed. Delete the stray cells at the far right."
            )
        too_large = self._rectangle * _CELL_BYTES > limits.inflated_limit_bytes
        if self.row > limits.row_limit or too_large or self.is_sparse:
            raise FileLimitExceeded(
                f"{file_name} has cells down to row {self.row} and out to column {self.column}."
                " Delete the stray cells, or send the sheet as CSV."
            )
