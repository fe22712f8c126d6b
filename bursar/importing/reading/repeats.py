"""How far the cells of an OpenDocument sheet reach: one tag may stand for a million rows."""

from __future__ import annotations

import re

from bursar.importing.reading.extent import Extent

_TAG = re.compile(rb"<(/?)table:(table-row|table-cell|covered-table-cell|table)\b([^>]*?)(/?)>")
_REPEAT = re.compile(rb'number-(?:columns|rows)-repeated="(\d{1,9})"')
_LONGEST_TAG = 1000


class RepeatedCells:
    """Gathers the extent from the blocks of the XML.

    Empty cells at the ends repeat as well and cost nothing; those before a filled one do.
    """

    def __init__(self) -> None:
        self.extent = Extent()
        self._row = 0
        self._repeat = 1
        self._column = self._filled = self._last = 0
        self._tail = b""

    def add(self, block: bytes) -> None:
        """Look at the next block."""
        text = self._tail + block
        end = 0
        for tag in _TAG.finditer(text):
            end = tag.end()
            closing, what, attributes, empty = tag.groups()
            if what == b"table":
                self._row = 0
            elif what == b"table-row":
                if not closing:
                    found = _REPEAT.search(attributes)
                    self._repeat = int(found[1]) if found else 1
                    self._column = self._filled = self._last = 0
                if closing or empty:
                    self._end_row()
            elif not closing:
                self._cell(attributes, bool(empty))
        self._tail = text[max(end, len(text) - _LONGEST_TAG) :]

    def _cell(self, attributes: bytes, empty: bool) -> None:
        found = _REPEAT.search(attributes)
        count = int(found[1]) if found else 1
        self._column += count
        if not empty:
            # What is repeated counts once: repeats alone make no honest sheet of millions.
            self._filled, self._last = self._filled + 1, self._column

    def _end_row(self) -> None:
        self._row += self._repeat
        if self._filled:
            extent = self.extent
            extent.row = max(extent.row, self._row)
            extent.column = max(extent.column, self._last)
            extent.cells += self._filled
