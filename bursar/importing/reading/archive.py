"""What a zipped workbook really inflates to, measured before any parser sees it.

The sizes that a zip states about itself can be forged, so every member is inflated in blocks and
counted. A sheet can also claim a cell in its last corner and make a parser allocate billions of
cells, so the addresses of cells are looked at on the way.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from bursar.config import settings
from bursar.errors import FileLimitExceeded, UnreadableFile
from bursar.importing.reading.addresses import FarCells, every_cell
from bursar.importing.reading.records import BinaryCells
from bursar.importing.reading.repeats import RepeatedCells

_BLOCK = 1 << 18
_LARGEST_RATIO = 100  # honest workbooks shrink by ten to thirty
_SMALL = 20 << 20  # below this many bytes any ratio is harmless
_BINARY_SHEET = b"\x81\x01"  # how the records of a sheet begin


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
                total += _check_member(archive, member, limit - total, file_name)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError) as problem:
        raise UnreadableFile(
            f"{file_name} is cut short or damaged. Download or export it again."
        ) from problem


def _check_member(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, left: int, file_name: str
) -> int:
    """Check one part of the workbook; returns the bytes that it inflates to."""
    # A forged size would end the reading early with a bad checksum; the true end is the data's.
    member.file_size = max(member.file_size, left + _BLOCK)
    name = member.filename.lower()
    size = 0
    # A workbook may keep its sheets under any name.
    repeats, cells = RepeatedCells(), FarCells()
    binary = BinaryCells()
    is_sheet = "worksheets/sheet" in name
    for block in _blocks(archive, member):
        size += len(block)
        _check_size(size, left, member.compress_size, file_name)
        if name == "content.xml":
            repeats.add(block)
            repeats.extent.check(file_name)
        elif not name.endswith(".bin"):
            cells.add(block)
        elif is_sheet or (size == len(block) and block.startswith(_BINARY_SHEET)):
            is_sheet = True
            binary.add(block)
    binary.add(b"", last=True)
    binary.extent.check(file_name)
    extent, is_settled = cells.extent()
    if not is_settled:
        extent = every_cell(_blocks(archive, member))
    extent.check(file_name)
    return size


def _blocks(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    with archive.open(member) as file:
        while block := file.read(_BLOCK):
            yield block


def _check_size(size: int, left: int, compressed: int, file_name: str) -> None:
    if size > left:
        raise FileLimitExceeded(
            f"{file_name} inflates to more than {settings().inflated_limit_bytes} bytes. "
            "Send the one sheet that matters, as CSV."
        )
    if size > max(_SMALL, compressed * _LARGEST_RATIO):
        raise FileLimitExceeded(
            f"{file_name} inflates to more than {_LARGEST_RATIO} times its size, as no"
            " spreadsheet does. Send the one sheet that matters, as CSV."
        )
