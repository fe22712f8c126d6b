"""One tab or range of a Google Sheet, taken as a workbook whose cells keep their types."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO, Any

import gspread
import xlsxwriter
from gspread.utils import absolute_range_name, column_letter_to_index, rowcol_to_a1

from bursar.config import settings
from bursar.errors import ChangedWhileRead, PathMissing
from connectors.google import named_causes, sign_in
from connectors.protocol import LEAVE, Arrival

_ROWS_A_CALL = 5_000
_CELLS = re.compile(r"([A-Z]{1,3})(\d*)(?::([A-Z]{1,3})?(\d*))?", re.IGNORECASE)
_FILE = "id,name,modifiedTime,version"
# The same cells must give the same bytes, whenever they are read.
_TIMELESS = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Block:
    """A rectangle of a tab, in rows and columns from 1, both ends included."""

    tab: str
    first_row: int
    first_column: int
    last_row: int
    last_column: int


class Sheets:
    """One tab of one spreadsheet, or a range of it.

    `config`: spreadsheet_id, range (`Tab`, `Tab!A1:F`, or empty for the first tab). `secret`:
    service_account, the JSON that Google gives for one.
    """

    type = "sheets"
    after_actions: tuple[str, ...] = (LEAVE,)

    def __init__(self, config: dict[str, Any], secret: dict[str, Any]) -> None:
        self._id = str(config["spreadsheet_id"])
        self._range = str(config.get("range") or "")
        self._secret = secret
        self._made: gspread.HTTPClient | None = None

    def __enter__(self) -> Sheets:
        """Itself; the connection is made when it is first needed."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let the connections go."""
        if self._made is not None:
            self._made.session.close()
        self._made = None

    def check(self) -> str:
        """Sign in, and look at the spreadsheet and the tab."""
        (arrival,) = self.list()
        block = self._block()
        return f"{arrival.name} is shared; {block.tab} has {block.last_row:,} rows."

    def list(self) -> Iterator[Arrival]:
        """The one tab, with the spreadsheet's version as its revision."""
        yield self._now()

    @contextmanager
    def open(self, arrival: Arrival) -> Iterator[IO[bytes]]:
        """The cells as a workbook; the version must be the same after as it was when listed."""
        with tempfile.TemporaryFile() as file:
            block = self._block()
            with xlsxwriter.Workbook(file, {"constant_memory": True, "in_memory": False}) as book:
                book.set_properties({"created": _TIMELESS})
                sheet = book.add_worksheet(re.sub(r"[\[\]:*?/\\]", " ", block.tab)[:31] or None)
                for number, cells in self._rows(block):
                    _write(sheet, number, block.first_column - 1, cells)
            if self._now().revision != arrival.revision:
                raise ChangedWhileRead(f"{arrival.name} was edited while it was read.")
            file.seek(0)
            yield file

    def settle(self, arrival: Arrival, action: str) -> None:
        """Leave the sheet as it is."""

    def _now(self) -> Arrival:
        with named_causes(f"spreadsheet {self._id}"):
            answer = (
                self._client()
                .request(
                    "get",
                    f"https://www.googleapis.com/drive/v3/files/{self._id}",
                    params={"supportsAllDrives": True, "fields": _FILE},
                )
                .json()
            )
        name = re.sub(r"[\x00-\x1f/\\]", " ", str(answer.get("name") or self._id)).strip()
        return Arrival(
            f"{name}.xlsx",
            # Drive counts the version up at every change, also within one second.
            revision=str(answer.get("version") or answer["modifiedTime"]),
            modified_at=datetime.fromisoformat(answer["modifiedTime"]),
            whole=True,
        )

    def _block(self) -> _Block:
        """The tab and the rectangle to read. Raises PathMissing."""
        with named_causes(f"spreadsheet {self._id}"):
            found = self._client().fetch_sheet_metadata(
                self._id, params={"fields": "sheets.properties"}
            )
        tabs = {sheet["properties"]["title"]: sheet["properties"] for sheet in found["sheets"]}
        wanted, cells = _parted(self._range, tabs)
        if wanted not in tabs:
            raise PathMissing(
                f"The spreadsheet has no tab {wanted!r}; it has {', '.join(map(repr, tabs))}."
            )
        grid = tabs[wanted].get("gridProperties", {})
        first_column, first_row, last_column, last_row = _corners(cells)
        rows = min(grid.get("rowCount", 1), settings().row_limit + 1)
        columns = min(grid.get("columnCount", 1), settings().column_limit + 1)
        return _Block(
            wanted, first_row or 1, first_column or 1, min(last_row or rows, rows),
            min(last_column or columns, columns),
        )  # fmt: skip

    def _rows(self, block: _Block) -> Iterator[tuple[int, Sequence[Any]]]:
        """Row numbers from 0 and their cells, a few thousand rows a call."""
        for start in range(block.first_row, block.last_row + 1, _ROWS_A_CALL):
            end = min(start + _ROWS_A_CALL - 1, block.last_row)
            cells = (
                f"{rowcol_to_a1(start, block.first_column)}:{rowcol_to_a1(end, block.last_column)}"
            )
            with named_causes(f"{block.tab}!{cells}"):
                answer = self._client().values_get(
                    self._id,
                    absolute_range_name(block.tab, cells),
                    params={
                        # Numbers as numbers, whatever the sheet's locale shows; dates as shown.
                        "valueRenderOption": "UNFORMATTED_VALUE",
                        "dateTimeRenderOption": "FORMATTED_STRING",
                    },
                )
            yield from enumerate(answer.get("values", []), start - 1)

    def _client(self) -> gspread.HTTPClient:
        if self._made is None:
            self._made = sign_in(self._secret)
        return self._made


def _parted(text: str, tabs: dict[str, Any]) -> tuple[str, str]:
    """The tab and the cells that a range names; without a tab the first one."""
    first = next(iter(tabs), "")
    if not text or text in tabs:
        return text or first, ""
    tab, bang, cells = text.rpartition("!")
    if bang:
        return tab.strip("'").replace("''", "'"), cells
    return (first, text) if _CELLS.fullmatch(text) and ":" in text else (text, "")


def _corners(cells: str) -> tuple[int, int, int, int]:
    """First column and row, last column and row, from 1; 0 where the range leaves them open."""
    if not cells:
        return 0, 0, 0, 0
    match = _CELLS.fullmatch(cells.replace("$", ""))
    if match is None:
        raise PathMissing(f"{cells!r} is no range of cells; write it as A1:F200 or A:F.")
    column, row, last_column, last_row = match.groups()
    return (
        column_letter_to_index(column),
        int(row or 0),
        column_letter_to_index(last_column) if last_column else 0,
        int(last_row or 0),
    )


def _write(sheet: Any, row: int, column: int, cells: Sequence[Any]) -> None:
    """Cells by their types: no text becomes a formula or a link."""
    for place, cell in enumerate(cells, column):
        if isinstance(cell, bool):
            sheet.write_boolean(row, place, cell)
        elif isinstance(cell, int | float):
            sheet.write_number(row, place, cell)
        elif cell not in ("", None):
            sheet.write_string(row, place, str(cell)[:32_767])
