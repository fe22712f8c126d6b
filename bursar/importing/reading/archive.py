"""What a zipped workbook really inflates to, measured before any parser sees it.

The sizes that a zip states about itself can be forged, so every member is inflated in blocks and
counted. A sheet can also claim a cell in its last corner and make a parser allocate billions of
cells, so the addresses of cells are looked at on the way.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

from bursar.config import settings
from bursar.errors import BursarError, FileLimitExceeded, UnreadableFile
from bursar.importing.reading.addresses import FarCells, every_cell
from bursar.importing.reading.records import BinaryCells
from bursar.importing.reading.repeats import RepeatedCells

_BLOCK = 1 << 18
_LARGEST_RATIO = 100  # of one member; honest workbooks shrink by ten to thirty
_LARGEST_RATIO_OF_ALL = 60
_SMALL = 20 << 20  # below this many bytes any ratio is harmless
_BINARY_SHEET = b"\x81\x01"  # how the records of a sheet begin


def check_archive(path: Path, file_name: str) -> None:
    """Raises FileLimitExceeded when the workbook inflates too far, UnreadableFile when damaged."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            packed = sum(member.compress_size for member in members)
            if packed > path.stat().st_size:
                raise _damaged(file_name)  # several names for the same bytes
            for member in members:
                if member.flag_bits & 1:
                    raise UnreadableFile(
                        f"{file_name} is protected by a password. Save it without one and retry."
                    )
                if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                    raise _damaged(file_name)  # no workbook is packed otherwise
            # Inflating is cheap beside looking for cells, which only honest sizes are worth.
            _check_sizes(archive, packed, file_name)
            for member in members:
                _check_cells(archive, member, file_name)
    except BursarError:
        raise
    except Exception as problem:
        # Forged archives make zipfile raise nearly anything: its own errors, those of the
        # decompressors, and wrong text, numbers and places.
        raise _damaged(file_name) from problem


def _damaged(file_name: str) -> UnreadableFile:
    return UnreadableFile(f"{file_name} is cut short or damaged. Download or export it again.")


def _check_sizes(archive: zipfile.ZipFile, packed: int, file_name: str) -> None:
    """Inflate every part and count; `packed` is the packed size of all."""
    total = 0
    for member in archive.infolist():
        # A forged size would end the reading early with a bad checksum; the data's end is true.
        member.file_size = max(member.file_size, settings().inflated_limit_bytes + _BLOCK)
        size = 0
        for block in _blocks(archive, member):
            size += len(block)
            _check_size(size, member.compress_size, total + size, packed, file_name)
        total += size


def _check_cells(archive: zipfile.ZipFile, member: zipfile.ZipInfo, file_name: str) -> None:
    """Look how far the cells of a part reach, if it has any."""
    name = member.filename.lower()
    # A workbook may keep its sheets under any name.
    repeats, cells, binary = RepeatedCells(), FarCells(), BinaryCells()
    is_sheet, is_first = "worksheets/sheet" in name, True
    for block in _blocks(archive, member):
        if name == "content.xml":
            repeats.add(block)
            repeats.extent.check(file_name)
        elif not name.endswith(".bin"):
            cells.add(block)
        elif is_sheet or (is_first and block.startswith(_BINARY_SHEET)):
            is_sheet = True
            binary.add(block)
        is_first = False
    binary.add(b"", last=True)
    binary.extent.check(file_name)
    extent, is_settled = cells.extent()
    if not is_settled:
        extent = every_cell(_blocks(archive, member))
    extent.check(file_name)


def _blocks(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    with archive.open(member) as file:
        while block := file.read(_BLOCK):
            yield block


def _check_size(size: int, compressed: int, total: int, packed: int, file_name: str) -> None:
    """Hold a part, and all parts so far, to what honest workbooks inflate to."""
    limit = settings().inflated_limit_bytes
    if total > limit:
        raise FileLimitExceeded(
            f"{file_name} inflates to more than {limit} bytes. "
            "Send the one sheet that matters, as CSV."
        )
    if size > max(_SMALL, compressed * _LARGEST_RATIO) or (
        total > max(_SMALL, packed * _LARGEST_RATIO_OF_ALL)
    ):
        raise FileLimitExceeded(
            f"{file_name} inflates to more than {_LARGEST_RATIO_OF_ALL} times its size, as no"
            " spreadsheet does. Send the one sheet that matters, as CSV."
        )
