"""Reading whatever a file holds, whole: recognised, then cleaned row by row.

Used by the trial of the reader and by its fuzzer. A typed error is an answer; anything else is not.
"""

from __future__ import annotations

import io
import zipfile
from contextlib import suppress
from pathlib import Path

from bursar.errors import BursarError
from bursar.importing.cleaning.clean import clean_rows
from bursar.importing.cleaning.rows import Defaults
from bursar.importing.reading import open_source
from bursar.importing.recognising.analysis import analyze

DEFAULTS = Defaults("USD", "FY2025", "Somewhere", None)

_PARTS = {
    "[Content_Types].xml": b"""<?xml version="1.0"?><Types
 xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml"
 ContentType="application/xml"/><Default Extension="rels"
 ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override
 PartName="/xl/workbook.xml"
 ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>
</Types>""",
    "_rels/.rels": b"""<?xml version="1.0"?><Relationships
 xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1"
 Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"
 Target="xl/workbook.xml"/></Relationships>""",
    "xl/workbook.xml": b"""<?xml version="1.0"?><workbook
 xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"
 xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet
 name="Plan" sheetId="1" r:id="rId1"/></sheets></workbook>""",
    "xl/_rels/workbook.xml.rels": b"""<?xml version="1.0"?><Relationships
 xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1"
 Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet"
 Target="worksheets/sheet1.xml"/></Relationships>""",
}  # fmt: skip
SHEET = b"""<?xml version="1.0"?><worksheet
 xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>
<row r="1"><c r="A1" t="inlineStr"><is><t>Department</t></is></c>
<c r="B1" t="inlineStr"><is><t>Budget 2025</t></is></c></row>
<row r="2"><c r="A2" t="inlineStr"><is><t>IT</t></is></c><c r="B2"><v>1200.5</v></c></row>
</sheetData><mergeCells count="1"><mergeCell ref="A2:A3"/></mergeCells></worksheet>"""


def parts() -> dict[str, bytes]:
    """What a sound workbook has beside its one sheet."""
    return dict(_PARTS)


def workbook_of(sheet: bytes) -> bytes:
    """A workbook whose only sheet is these bytes, so that changes reach what reads the XML."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as archive:
        for name, content in _PARTS.items():
            archive.writestr(name, content)
        archive.writestr("xl/worksheets/sheet1.xml", sheet)
    return made.getvalue()


def read_whole(path: Path, name: str) -> int:
    """How many rows came of a file; -1 where it was refused with a typed error."""
    rows = -1
    with suppress(BursarError):
        rows = sum(1 for _ in open_source(path, name).rows())
        analysis = analyze(path, name)
        rows = sum(
            1
            for _ in clean_rows(
                path, analysis, defaults=DEFAULTS, base_currency="USD", allowed_currencies=()
            )
        )
    return rows


def write_content(folder: Path, shape: int, content: bytes) -> Path:
    """Put fuzzed bytes into a file: as they are, or as the sheet of a sound workbook."""
    path = folder / ("any.xlsx" if shape % 4 == 3 else "any.csv")
    path.write_bytes(workbook_of(content) if shape % 4 == 3 else content)
    return path
