"""Promise 25: bombs are refused within 1 second and 150 MiB, forged sizes too.

Each archive is made here and read in a process of its own, whose peak of memory is its record; the
second counts from the first look at the file, after the program has started.

usage: python -m bench.trials.bombs
"""

from __future__ import annotations

import io
import json
import struct
import sys
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

from bench.trials import anything
from bench.trials.verdict import Verdict, measured

SECONDS, MEGABYTES = 1.0, 150
SHEET = "xl/worksheets/sheet1.xml"
HUGE = 250 << 20
_OPEN = anything.SHEET.partition(b"<sheetData>")[0] + b"<sheetData>"
_ODS = (
    b'<?xml version="1.0"?><office:document-content'
    b' xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
    b' xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"'
    b' xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body>'
    b'<office:spreadsheet><table:table table:name="Plan">'
)


def archive(members: dict[str, bytes], **more: object) -> bytes:
    """A deflated zip of a sound workbook's parts and these members."""
    made = io.BytesIO()
    method = int(str(more.get("method", zipfile.ZIP_DEFLATED)))
    with zipfile.ZipFile(made, "w", method, compresslevel=9) as zipped:
        for name, content in ({} if more.get("bare") else anything.parts()).items():
            if name not in members:
                zipped.writestr(name, content)
        for name, content in members.items():
            zipped.writestr(name, content)
    return made.getvalue()


def forged(content: bytes, true_size: int, *, everywhere: bool) -> bytes:
    """Say 10 bytes where the archive says `true_size`: in its directory, or everywhere."""
    lie, truth = struct.pack("<I", 10), struct.pack("<I", true_size)
    if everywhere:
        return content.replace(truth, lie)
    start = struct.unpack("<I", content[-6:-2])[0]
    return content[:start] + content[start:].replace(truth, lie)


def sheet_of(size: int) -> bytes:
    row = b'<row><c t="inlineStr"><is><t>a</t></is></c><c><v>1</v></c></row>'
    return _OPEN + row * (size // len(row)) + b"</sheetData></worksheet>"


def overlapping() -> bytes:
    """Thousands of names in the directory for one and the same compressed megabyte."""
    packed = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = packed.compress(b"\0" * (1 << 20)) + packed.flush()
    crc = zlib.crc32(b"\0" * (1 << 20))
    name = b"xl/workbook.xml"
    sizes = struct.pack("<IIIHH", crc, len(body), 1 << 20, len(name), 0)
    local = b"PK\x03\x04" + struct.pack("<HHHHH", 20, 0, 8, 0, 33) + sizes + name + body
    entry = b"PK\x01\x02" + struct.pack("<HHHHHH", 20, 20, 0, 8, 0, 33) + sizes
    entry += struct.pack("<HHHII", 0, 0, 0, 0, 0) + name
    directory = entry * 5_000
    return (
        local + directory + b"PK\x05\x06"
        + struct.pack("<HHHHIIH", 0, 0, 5_000, 5_000, len(directory), len(local), 0)
    )  # fmt: skip


def nested() -> bytes:
    inner = archive({SHEET: sheet_of(HUGE)})
    for _ in range(5):
        inner = archive({"inner.xlsx": inner}, bare=True)
    return inner


def many_sheets() -> bytes:
    one = sheet_of(100_000)
    names = [f"xl/worksheets/sheet{n}.xml" for n in range(1, 8_000)]
    return archive(dict.fromkeys(names, one))


def far_cells() -> bytes:
    cell = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    return archive({SHEET: anything.SHEET.replace(b"</sheetData>", cell + b"</sheetData>")})


def repeated_cells() -> bytes:
    row = (
        b'<table:table-row table:number-rows-repeated="1048576"><table:table-cell'
        b' table:number-columns-repeated="16384" office:value-type="float" office:value="1"/>'
        b"</table:table-row>"
    )
    end = b"</table:table></office:spreadsheet></office:body></office:document-content>"
    return _ods(_ODS + row + end)


def _ods(content: bytes) -> bytes:
    mime = b"application/vnd.oasis.opendocument.spreadsheet"
    return archive({"mimetype": mime, "content.xml": content}, bare=True)


def entities() -> bytes:
    lols = b"".join(b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10) for n in range(1, 10))
    head = b'<?xml version="1.0"?><!DOCTYPE worksheet [<!ENTITY l0 "lol">' + lols + b"]>"
    body = anything.SHEET.partition(b"?>")[2].replace(b"<v>1200.5</v>", b"<v>&l9;</v>")
    return archive({SHEET: head + body})


BOMBS: dict[str, Callable[[], bytes]] = {
    "sheet.xlsx": lambda: archive({SHEET: sheet_of(HUGE)}),
    "forged-directory.xlsx": lambda: forged(
        archive({SHEET: sheet_of(HUGE)}), len(sheet_of(HUGE)), everywhere=False
    ),
    "forged-everywhere.xlsx": lambda: forged(
        archive({SHEET: sheet_of(HUGE)}), len(sheet_of(HUGE)), everywhere=True
    ),
    "shared-strings.xlsx": lambda: archive({
        "xl/sharedStrings.xml": b"<sst>" + b"<si><t>a</t></si>" * (HUGE // 17) + b"</sst>",
        SHEET: anything.SHEET,
    }),
    "many-sheets.xlsx": many_sheets,
    "far-cell.xlsx": far_cells,
    "overlapping.xlsx": overlapping,
    "nested.xlsx": nested,
    "lzma.xlsx": lambda: archive({SHEET: sheet_of(HUGE)}, method=zipfile.ZIP_LZMA),
    "binary.xlsb": lambda: archive(
        {"xl/workbook.bin": b"\0" * 64, "xl/worksheets/sheet1.bin": b"\0" * HUGE}, bare=True
    ),
    "repeated-cells.ods": repeated_cells,
    "content.ods": lambda: _ods(_ODS + b"<table:table-row/>" * (HUGE // 18)),
}  # fmt: skip
HARMLESS: dict[str, Callable[[], bytes]] = {"entities.xlsx": entities}


def read(path: Path) -> None:
    """What a child does: read one file whole, and say what came of it."""
    start = time.perf_counter()
    rows = anything.read_whole(path, path.name)
    print(json.dumps([rows, time.perf_counter() - start]))


def main() -> None:
    if len(sys.argv) == 3:
        read(Path(sys.argv[2]))
        return
    verdict = Verdict("25 bombs are refused", 0)
    slowest, largest = 0.0, 0.0
    with tempfile.TemporaryDirectory() as folder:
        for name, make in (BOMBS | HARMLESS).items():
            path = Path(folder) / name
            path.write_bytes(make())
            child = measured(sys.executable, "-m", "bench.trials.bombs", "read", str(path))
            try:
                rows, seconds = json.loads(child.answer)
            except ValueError:
                verdict.require(False, f"{name}: {child.answer}")
                continue
            slowest, largest = max(slowest, seconds), max(largest, child.megabytes)
            size = path.stat().st_size
            print(f"  {name}: {size:,} bytes, {seconds:.2f} s, {child.megabytes:.0f} MiB",
                  flush=True)  # fmt: skip
            path.unlink()
            verdict.counts["archives"] += 1
            refused = rows < 0 or name in HARMLESS
            verdict.counts["refused"] += rows < 0
            verdict.require(refused, f"{name} gave {rows} rows")
            verdict.require(seconds <= SECONDS, f"{name} took {seconds:.2f} s")
            verdict.require(child.megabytes <= MEGABYTES, f"{name} took {child.megabytes:.0f} MiB")
    verdict.close(slowest_seconds=f"{slowest:.2f}", most_mib=f"{largest:.0f}")


if __name__ == "__main__":
    main()
