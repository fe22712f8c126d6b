"""How far the cells of binary workbooks reach: the records of XLSB and XLS, without a parser.

Only what a cell record says of its place is read. Damaged records end the walk; the parser, which
sees the file next, reports the damage.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

from bursar.importing.reading.extent import Extent

_XLSB_ROW, _XLSB_CELLS = 0, range(1, 12)
_XLSB_HEAD = 10  # kind and length take at most six bytes, row or column four more
# Cells with a value in the older format; several values may stand in one record.
_XLS_CELLS = frozenset((0x0006, 0x0203, 0x0204, 0x0205, 0x027E, 0x00FD, 0x00D6))
_XLS_MANY = 0x00BD
_XLS_SHEET = 0x0809
_FREE, _END = 0xFFFFFFFF, 0xFFFFFFFE
_TWO = struct.Struct("<HH")


class BinaryCells:
    """Gathers the extent of one part of an XLSB workbook from its blocks."""

    def __init__(self) -> None:
        self.extent = Extent()
        self._row = 0
        self._skip = 0
        self._tail = b""

    def add(self, block: bytes, *, last: bool = False) -> None:
        """Look at the next block; a record's head is kept until all of it is there."""
        content = self._tail + block
        at, size = self._skip, len(content)
        row, extent = self._row, self.extent
        enough = size if last else size - _XLSB_HEAD
        while at < enough:
            start = content[at : at + _XLSB_HEAD]
            kind, length, head = _xlsb_head(start)
            if kind in _XLSB_CELLS:
                extent.add(row + 1, int.from_bytes(start[head : head + 4], "little") + 1)
            elif kind == _XLSB_ROW:
                row = int.from_bytes(start[head : head + 4], "little")
            at += head + length
        self._row = row
        self._tail = content[at:]
        self._skip = max(0, at - size)


def _xlsb_head(content: bytes) -> tuple[int, int, int]:
    """Kind and length of a record, and the bytes that say so; damage ends in a long record."""
    kind, at = content[0], 1
    if kind & 0x80 and len(content) > 1:
        kind, at = (kind & 0x7F) | (content[1] & 0x7F) << 7, 2
    length = shift = 0
    for byte in content[at : at + 4]:
        at += 1
        length |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            break
    return kind, length, at


def xls_extents(path: Path) -> Iterator[Extent]:
    """The extent of every sheet of an XLS workbook."""
    content = _workbook_stream(path.read_bytes())
    extent, at, size = Extent(), 0, len(content)
    while at + 4 <= size:
        kind, length = _TWO.unpack_from(content, at)
        at += 4
        if kind == _XLS_SHEET:
            yield extent
            extent = Extent()
        elif kind in _XLS_CELLS and at + 4 <= size:
            row, column = _TWO.unpack_from(content, at)
            extent.add(row + 1, column + 1)
        elif kind == _XLS_MANY and length >= 6 and at + length <= size:
            row, first = _TWO.unpack_from(content, at)
            last = int.from_bytes(content[at + length - 2 : at + length], "little")
            extent.add(row + 1, last + 1)
            extent.cells += max(0, last - first)
        at += length
    yield extent


def _workbook_stream(content: bytes) -> bytes:
    """The stream of the workbook within the compound file; empty where there is none."""
    if len(content) < 512:
        return b""
    sector = 1 << int.from_bytes(content[30:32], "little")
    if sector not in (512, 4096):
        return b""
    table = _allocation_table(content, sector)
    directory = _chain(content, table, int.from_bytes(content[48:52], "little"), sector)
    for at in range(0, len(directory) - 127, 128):
        entry = directory[at : at + 128]
        name = entry[: max(0, int.from_bytes(entry[64:66], "little") - 2)]
        if name.decode("utf-16-le", "replace") in ("Workbook", "Book"):
            first = int.from_bytes(entry[116:120], "little")
            # A stream below 4096 bytes lives elsewhere; it cannot hold many cells.
            length = int.from_bytes(entry[120:124], "little")
            whole = _chain(content, table, first, sector) if length >= 4096 else content
            return whole[:length] if length >= 4096 else whole
    return b""


def _allocation_table(content: bytes, sector: int) -> list[int]:
    places = list(struct.unpack_from("<109I", content, 76))
    following = int.from_bytes(content[68:72], "little")
    seen = 0
    while following < _END and seen < 10_000:
        block = content[(following + 1) * sector : (following + 2) * sector]
        if len(block) < sector:
            break
        numbers = struct.unpack(f"<{sector // 4}I", block)
        places += numbers[:-1]
        following, seen = numbers[-1], seen + 1
    table: list[int] = []
    for place in places:
        block = content[(place + 1) * sector : (place + 2) * sector] if place < _END else b""
        if len(block) == sector:
            table += struct.unpack(f"<{sector // 4}I", block)
    return table


def _chain(content: bytes, table: list[int], first: int, sector: int) -> bytes:
    parts: list[bytes] = []
    place = first
    while place < len(table) and len(parts) <= len(table):
        parts.append(content[(place + 1) * sector : (place + 2) * sector])
        place = table[place]
    return b"".join(parts)
