"""How far the cells of an XLSX sheet reach, by the addresses that its XML writes.

Looking at every address would cost more than reading the sheet, so only the far ones are looked at
first; every one is where those and the number of cells leave it open how far the sheet reaches.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable

from bursar.importing.reading.extent import Extent

# Empty tags carry a style and no value; programs write them out to the last column. An entity
# within an address has no honest use.
_VALUED = rb"""(?!\s*+["'](?:\s*+[\w:]++=["'][\w.]*+["']){0,9}+\s*+/>)"""
# A letter stands first for the search to jump to, so that looking costs little.
_FAR = re.compile(
    rb"""r(?<!\wr)\s*+=\s*+["']\s*+(?:([A-Za-z]{2,}+)(\d++)|[A-Za-z]?(\d{6,}+)|\w*+(&))""" + _VALUED
)
_ANY = re.compile(rb"""r(?<!\wr)\s*+=\s*+["']\s*+([A-Za-z]*+)(\d++)""" + _VALUED)
_NEAR_ROW, _NEAR_COLUMN = 99_999, 26  # what the far pattern does not see
_LONGEST_TAG = 4096


class FarCells:
    """Gathers the extent of a sheet from the blocks of its XML, as far as it matters."""

    def __init__(self) -> None:
        self._seen = Extent()
        self._tail = b""

    def add(self, block: bytes) -> None:
        """Look at the next block."""
        text, self._tail = whole_tags(self._tail + block)
        seen = self._seen
        seen.cells += text.count(b"<c ") + text.count(b":c ")
        for letters, digits, row, entity in _FAR.findall(text):
            seen.row = max(seen.row, int(digits or row or 0))
            seen.column = max(seen.column, sys.maxsize if entity else column_number(letters))

    def extent(self) -> tuple[Extent, bool]:
        """What is known, and whether that settles it."""
        seen = self._seen
        widest = Extent(max(seen.row, _NEAR_ROW), max(seen.column, _NEAR_COLUMN), seen.cells)
        return seen, seen.column == sys.maxsize or not widest.is_sparse


def every_cell(blocks: Iterable[bytes]) -> Extent:
    """The extent by every address, for the sheets whose far cells do not settle it."""
    extent, tail = Extent(), b""
    for block in blocks:
        text, tail = whole_tags(tail + block)
        for letters, digits in _ANY.findall(text):
            extent.add(int(digits), column_number(letters))
    return extent


def column_number(letters: bytes) -> int:
    """A column's number from 1: A is 1, AA is 27; no letters are 0."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number


def column_letters(number: int) -> str:
    """The letters of a column counted from 1."""
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def whole_tags(text: bytes) -> tuple[bytes, bytes]:
    """The text up to its last tag, which may go on in the next block, and the rest."""
    cut = text.rfind(b"<")
    if cut < 0 or len(text) - cut > _LONGEST_TAG:
        return text, b""
    return text[:cut], text[cut:]
