"""What a zipped workbook really inflates to, measured before any parser sees it.

The sizes that a zip states about itself can be forged, so every member is inflated in blocks and
counted. A sheet can also claim a cell in its last corner and make a parser allocate billions of
cells, so the addresses of cells are looked at on the way.
"""

from __future__ import annotations

import re
import sys
import zipfile
from pathlib import Path

from bursar.config import settings
from bursar.errors import BursarError, FileLimitExceeded, UnreadableFile

_BLOCK = 1 << 18
_CELL_BYTES = 16  # about what a parser keeps for each cell of the rectangle
# Addresses far out, however the attribute is written; entities in one have no honest use. Only the
# far ones match, and a letter stands first for the search to jump to, so that looking costs little.
_FAR_CELL = re.compile(
    rb"""r(?<!\wr)\s*+=\s*+["']\s*+(?:([A-Za-z]{3,}+)\d|[A-Za-z]{0,2}(\d{6,}+)|\w*+(&))"""
)
_FAR_ROW_OF_FAR_COLUMN = re.compile(rb"""r(?<!\wr)\s*+=\s*+["']\s*+[A-Za-z]{3,}+(\d{6,}+)""")
_LARGEST_RATIO = 100  # of one member; honest workbooks shrink by ten to thirty
_LARGEST_RATIO_OF_ALL = 60
_SMALL = 20 << 20  # below this many bytes any ratio is harmless
_ODS_TAG = re.compile(rb"<(/?)table:table-(row|cell)\b([^>]*?)(/?)>")
_ODS_REPEAT = re.compile(rb'number-(?:columns|rows)-repeated="(\d{1,9})"')


def check_archive(path: Path, file_name: str) -> None:
    """Raises FileLimitExceeded when the workbook inflates too far, UnreadableFile when damaged."""
    total = 0
    try:
        with zipfile.ZipFile(path) as archive:
            packed = sum(member.compress_size for member in archive.infolist())
            if packed > path.stat().st_size:
                raise _damaged(file_name)  # several names for the same bytes
            for member in archive.infolist():
                if member.flag_bits & 1:
                    raise UnreadableFile(
                        f"{file_name} is protected by a password. Save it without one and retry."
                    )
                if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                    raise _damaged(file_name)  # no workbook is packed otherwise
                total += _inflate(archive, member, total, packed, file_name)
    except BursarError:
        raise
    except Exception as problem:
        # Forged archives make zipfile raise nearly anything: its own errors, those of the
        # decompressors, and wrong text, numbers and places.
        raise _damaged(file_name) from problem


def _damaged(file_name: str) -> UnreadableFile:
    return UnreadableFile(f"{file_name} is cut short or damaged. Download or export it again.")


def _inflate(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, before: int, packed: int, file_name: str
) -> int:
    """The inflated size of a member, after `before` bytes of others; `packed` is that of all."""
    limit = settings().inflated_limit_bytes
    size, column, row, tail = 0, 0, 0, b""
    # A workbook may keep its sheets under any name.
    may_have_cells = not member.filename.endswith((".bin", "content.xml"))
    repeats = _Repeats() if member.filename == "content.xml" else None
    # A forged size would end the reading early with a bad checksum; the true end is the data's.
    member.file_size = max(member.file_size, limit - before + _BLOCK)
    with archive.open(member) as file:
        while block := file.read(_BLOCK):
            size += len(block)
            if before + size > limit:
                raise FileLimitExceeded(
                    f"{file_name} inflates to more than {limit} bytes. "
                    "Send the one sheet that matters, as CSV."
                )
            if size > max(_SMALL, member.compress_size * _LARGEST_RATIO) or (
                before + size > max(_SMALL, packed * _LARGEST_RATIO_OF_ALL)
            ):
                raise FileLimitExceeded(
                    f"{file_name} inflates to more than {_LARGEST_RATIO_OF_ALL} times its size, as"
                    " no spreadsheet does. Send the one sheet that matters, as CSV."
                )
            if may_have_cells:
                text = tail + block
                column, row = _farthest(text, column, row)
                tail = block[-64:]
            if repeats is not None and repeats.cells_in(block) * _CELL_BYTES > (
                settings().inflated_limit_bytes
            ):
                raise FileLimitExceeded(
                    f"{file_name} repeats cells over far too many rows or columns. Send the sheet "
                    "as CSV."
                )
    if column > settings().column_limit:
        raise FileLimitExceeded(
            f"{file_name} has cells in column {column}; at most {settings().column_limit} columns "
            "are allowed. Delete the stray cells at the far right."
        )
    _check_rectangle(row, column, file_name)
    return size


def _farthest(text: bytes, column: int, row: int) -> tuple[int, int]:
    """The farthest column and row of any cell so far; an address in disguise is out of reach."""
    for letters, digits, entity in _FAR_CELL.findall(text):
        if entity:
            return sys.maxsize, row
        column = max(column, _column_number(letters.upper()))
        row = max(row, int(digits or 0))
    if not column:
        return column, row
    return column, max(row, *map(int, _FAR_ROW_OF_FAR_COLUMN.findall(text)), 0)


class _Repeats:
    """Counts the cells that an OpenDocument sheet stands for: one tag may repeat a value over a
    million rows. Empty cells at the ends repeat as well and cost nothing.
    """

    def __init__(self) -> None:
        self._cells = 0
        self._row = 1
        self._width = 0
        self._filled = False
        self._tail = b""

    def cells_in(self, block: bytes) -> int:
        """All cells so far, with those of the next block of the XML."""
        text = self._tail + block
        end = 0
        if self._row == 1 and b"-repeated" not in text:
            # Nothing stands for more than itself, so it is enough to count what is there.
            end = text.rfind(b">") + 1
            self._cells += text.count(b"<table:table-cell", 0, end)
            self._tail = text[max(end, len(text) - 1000) :]
            return self._cells
        for tag in _ODS_TAG.finditer(text):
            end = tag.end()
            closing, what, attributes, empty = tag.groups()
            if closing and what == b"row":
                self._cells += self._row * self._width * self._filled
            elif not closing:
                repeat = _ODS_REPEAT.search(attributes)
                count = int(repeat[1]) if repeat else 1
                if what == b"row":
                    self._row, self._width, self._filled = count, 0, False
                elif not empty:
                    self._width, self._filled = self._width + count, True
        self._tail = text[max(end, len(text) - 1000) :]
        return self._cells


def _check_rectangle(row: int, column: int, file_name: str) -> None:
    if row > settings().row_limit or row * max(column, 1) * _CELL_BYTES > (
        settings().inflated_limit_bytes
    ):
        raise FileLimitExceeded(
            f"{file_name} has cells down to row {row} and out to column {column}. Delete the stray "
            "cells, or send the sheet as CSV."
        )


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number
