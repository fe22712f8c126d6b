"""What a zipped workbook really inflates to, measured before any parser sees it.

The sizes that a zip states about itself can be forged, so every member is inflated in blocks and
counted. A sheet can also claim a cell in its last corner and make a parser allocate billions of
cells, so the addresses of cells are looked at on the way.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from pathlib import Path

from bursar.config import settings
from bursar.errors import FileLimitExceeded, UnreadableFile

_BLOCK = 1 << 18
_CELL_BYTES = 16  # about what a parser keeps for each cell of the rectangle
_FAR_COLUMN = re.compile(rb'r="([A-Z]{3})\d')
_FAR_ROW = re.compile(rb'r="[A-Z]{0,3}(\d{6,})"')
_REPEATED = re.compile(rb'number-(columns|rows)-repeated="(\d{5,})"')
_SHEET = re.compile(r"xl/worksheets/.*\.xml|content\.xml", re.IGNORECASE)


def check_archive(path: Path, file_name: str) -> None:
    """Raises FileLimitExceeded when the workbook inflates too far, UnreadableFile when damaged."""
    limit = settings().inflated_limit_bytes
    total = 0
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                if member.flag_bits & 1:
                    raise UnreadableFile(
                        f"{file_name} is protected by a password. Save it without one and retry."
                    )
                total += _inflate(archive, member, limit - total, file_name)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError) as problem:
        raise UnreadableFile(
            f"{file_name} is cut short or damaged. Download or export it again."
        ) from problem


def _inflate(archive: zipfile.ZipFile, member: zipfile.ZipInfo, left: int, file_name: str) -> int:
    size, column, row, tail = 0, 0, 0, b""
    is_sheet = bool(_SHEET.fullmatch(member.filename))
    # A forged size would end the reading early with a bad checksum; the true end is the data's.
    member.file_size = max(member.file_size, left + _BLOCK)
    with archive.open(member) as file:
        while block := file.read(_BLOCK):
            size += len(block)
            if size > left:
                raise FileLimitExceeded(
                    f"{file_name} inflates to more than {settings().inflated_limit_bytes} bytes. "
                    "Send the one sheet that matters, as CSV."
                )
            if is_sheet:
                text = tail + block
                column = max(column, *map(_column_number, _FAR_COLUMN.findall(text)), 0)
                row = max(row, *map(int, _FAR_ROW.findall(text)), 0)
                tail = block[-64:]
    if column > settings().column_limit:
        raise FileLimitExceeded(
            f"{file_name} has cells in column {column}; at most {settings().column_limit} columns "
            "are allowed. Delete the stray cells at the far right."
        )
    _check_rectangle(row, column, file_name)
    return size


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
