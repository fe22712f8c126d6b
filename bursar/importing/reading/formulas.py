"""Cells of an XLSX workbook that hold a formula and no result, which parsers give as blank.

Programs that write workbooks without calculating them leave the results out; a budget read as
blank would be lost in silence.
"""

from __future__ import annotations

import html
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from bursar.errors import UnreadableFile
from bursar.importing.reading.addresses import column_number, whole_tags

_BLOCK = 1 << 18
_MOST = 100_000  # cells without results that are worth naming one by one
_CELL = re.compile(
    rb"""<(?:\w+:)?c\b([^>]*)>\s*<(?:\w+:)?f\b(?:[^>]*/>|[^>]*>([^<]*)</(?:\w+:)?f>)\s*"""
    rb"""(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</(?:\w+:)?v>)?\s*</(?:\w+:)?c>"""
)
_PLACE = re.compile(rb"""\br=["']([A-Za-z]+)(\d+)["']""")
_EMPTY_TEXT = re.compile(rb"""\bt=["']str["']""")  # a formula whose result is the empty text
_SHEET = re.compile(r"<(?:\w+:)?sheet\s([^>]*)>")
_RELATION = re.compile(r"<(?:\w+:)?Relationship\s([^>]*)>")
_ATTRIBUTE = re.compile(r"""([\w:]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")

Cells = dict[int, dict[int, str]]


def cells_without_result(path: Path, file_name: str, sheet: str) -> Cells:
    """Formulas by row and column, counted from 0; empty for other kinds of workbooks.

    Raises UnreadableFile where hardly any formula of a large sheet has a result.
    """
    found: Cells = {}
    with zipfile.ZipFile(path) as archive:
        member = member_of(archive, sheet)
        if member is None:
            return found
        count = 0
        for text in _texts_with_formulas(archive, member):
            for attributes, formula in _CELL.findall(text):
                place = _PLACE.search(attributes)
                if place is None or _EMPTY_TEXT.search(attributes):
                    continue
                count += 1
                row = found.setdefault(int(place[2]) - 1, {})
                shown = html.unescape(formula[:100].decode("utf-8", "replace"))
                row[column_number(place[1]) - 1] = f"={shown}"
            if count > _MOST:
                raise UnreadableFile(
                    f"Sheet {sheet!r} of {file_name} stores no results of its formulas. Open it in"
                    " a spreadsheet program, save it and retry."
                )
    return found


def _texts_with_formulas(archive: zipfile.ZipFile, member: str) -> Iterator[bytes]:
    """Pieces of the sheet that begin and end between two cells."""
    tail = b""
    with archive.open(member) as file:
        while block := file.read(_BLOCK):
            text = tail + block
            end = max(text.rfind(b"<c "), text.rfind(b":c "))
            text, tail = (text[:end], text[end:]) if end > 0 else whole_tags(text)
            if b"<f" in text or b":f" in text:
                yield text
    yield tail


def member_of(archive: zipfile.ZipFile, sheet: str) -> str | None:
    """The part of the archive that holds the sheet of that name."""
    names = {name.lower(): name for name in archive.namelist()}
    book, links = names.get("xl/workbook.xml"), names.get("xl/_rels/workbook.xml.rels")
    if book is None or links is None:
        return None
    for attributes in _attributes(archive, book, _SHEET):
        if attributes.get("name") == sheet:
            wanted = attributes.get("id")
            break
    else:
        return None
    for attributes in _attributes(archive, links, _RELATION):
        if attributes.get("Id") == wanted:
            target = attributes.get("Target", "")
            place = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
            return names.get(str(PurePosixPath(place)).lower())
    return None


def _attributes(
    archive: zipfile.ZipFile, member: str, tag: re.Pattern[str]
) -> Iterator[dict[str, str]]:
    text = archive.read(member).decode("utf-8", "replace")
    for found in tag.finditer(text):
        yield {
            name.rpartition(":")[2]: html.unescape(double or single)
            for name, double, single in _ATTRIBUTE.findall(found[1])
        }
