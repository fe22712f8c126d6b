"""How an XLSX sheet shows its cells: hidden rows and columns, and currencies of number formats.

A parser gives values only; that 1,000 is shown as `1,000 €`, or not at all, stands beside them.
"""

from __future__ import annotations

import html
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bursar.importing.reading.addresses import column_letters, column_number
from bursar.importing.reading.formulas import member_of

_BLOCK = 1 << 18
_MOST_BYTES = 64 << 20  # of a sheet; what stands further down is shown like the rest
_LARGEST_STYLES = 8 << 20
_FORMAT = re.compile(r"<(?:\w+:)?numFmt\s([^>]*)>")
_STYLES = re.compile(r"<(?:\w+:)?cellXfs\b.*?</(?:\w+:)?cellXfs>", re.DOTALL)
_STYLE = re.compile(r"<(?:\w+:)?xf\b([^>]*)>")
_ATTRIBUTE = re.compile(r"""([\w:]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_SYMBOL = re.compile(r'\[\$([^\]\-]*)(?:-[^\]]*)?\]|"([^"]*)"|\\(.)|([$€£¥₹₽₩₪₺₫฿₴₦₱])')
# Tags are only looked at as far as honest ones reach, so that none can cost more than its length.
_TAG = rb"[^<>]{0,500}"
_HIDDEN = rb"""\bhidden=["'](?:1|true)["']"""
_HIDDEN_ROW = re.compile(
    rb"<(?:\w+:)?row\b" + _TAG + _HIDDEN + _TAG + rb">(.*?)</(?:\w+:)?row>", re.DOTALL
)
_HIDDEN_COLUMN = re.compile(rb"<(?:\w+:)?col\b(" + _TAG + _HIDDEN + _TAG + rb")>")
_CELL = re.compile(rb"<(?:\w+:)?c\b(" + _TAG + rb")>(?=\s*<(?:\w+:)?[vf]\b)")
_NO_NUMBER = re.compile(rb"""\bt=["'](?:s|str|b|e|inlineStr)["']""")
_SPAN = re.compile(rb"""\b(min|max)=["'](\d{1,5})["']""")


@dataclass(slots=True)
class Appearance:
    """`hidden_rows` are those with numbers in them; `symbols` are what number formats put beside
    the numbers of a column, by its index.
    """

    hidden_rows: int = 0
    hidden_columns: list[str] = field(default_factory=list)
    symbols: dict[int, set[str]] = field(default_factory=dict)

    def notes(self) -> list[str]:
        """What a person should know of it, in sentences."""
        found = []
        if self.hidden_rows:
            found.append(
                f"{self.hidden_rows} hidden rows have numbers in them and are read like all others."
            )
        if self.hidden_columns:
            named = ", ".join(self.hidden_columns[:10])
            found.append(f"Hidden columns are read like all others: {named}.")
        return found


def appearance_of(path: Path, sheet: str) -> Appearance:
    """What the sheet of an XLSX workbook shows otherwise than its values say."""
    found = Appearance()
    with zipfile.ZipFile(path) as archive:
        member = member_of(archive, sheet)
        if member is None:
            return found
        symbols = _symbols_of_styles(archive)
        cell = _styled_cells(symbols) if symbols else None
        for text in _whole_rows(archive, member):
            if b"hidden=" in text:
                rows = _HIDDEN_ROW.findall(text)
                found.hidden_rows += sum(map(_has_number, rows))
                for attributes in _HIDDEN_COLUMN.findall(text):
                    found.hidden_columns += _named_columns(attributes)
            for letters, style in set(cell.findall(text)) if cell is not None else ():
                column = found.symbols.setdefault(column_number(letters) - 1, set())
                column |= symbols[int(style)]
    return found


def _has_number(row: bytes) -> bool:
    return any(_NO_NUMBER.search(attributes) is None for attributes in _CELL.findall(row))


def symbols_of(code: str) -> set[str]:
    """What a number format writes beside the number: `[$€-407]`, `"USD"`, a plain `$`."""
    symbols = {
        (bracket or quoted or escaped or plain).strip()
        for bracket, quoted, escaped, plain in _SYMBOL.findall(code.partition(";")[0])
    }
    return symbols - {""}


def _symbols_of_styles(archive: zipfile.ZipFile) -> Mapping[int, set[str]]:
    """By the number of a cell's style, for the styles that show something beside numbers."""
    names = {name.lower(): name for name in archive.namelist()}
    place = names.get("xl/styles.xml")
    if place is None:
        return {}
    with archive.open(place) as file:
        text = file.read(_LARGEST_STYLES).decode("utf-8", "replace")
    formats = {}
    for found in _FORMAT.finditer(text):
        attributes = _attributes(found[1])
        symbols = symbols_of(html.unescape(attributes.get("formatCode", "")))
        if symbols:
            formats[attributes.get("numFmtId")] = symbols
    styles = _STYLES.search(text)
    if styles is None or not formats:
        return {}
    numbered = enumerate(_STYLE.findall(styles[0]))
    named = {n: _attributes(attributes).get("numFmtId") for n, attributes in numbered}
    return {n: formats[name] for n, name in named.items() if name in formats}


def _attributes(text: str) -> dict[str, str]:
    return {name: double or single for name, double, single in _ATTRIBUTE.findall(text)}


def _styled_cells(symbols: Mapping[int, set[str]]) -> re.Pattern[bytes]:
    """Numbers of these styles, with their attributes in the order in which programs write them."""
    styles = "|".join(map(str, symbols)).encode()
    return re.compile(
        rb"""<(?:\w+:)?c r="([A-Z]{1,3})\d{1,7}" s="(""" + styles + rb""")"(?: t="n")?>\s*<"""
    )


def _named_columns(attributes: bytes) -> list[str]:
    span = {name: int(number) for name, number in _SPAN.findall(attributes)}
    first, last = span.get(b"min", 0), span.get(b"max", 0)
    # Hidden to the last column of all is how the unused part of a sheet is put away.
    return [column_letters(n) for n in range(first, last + 1)] if 0 < last - first + 1 < 50 else []


def _whole_rows(archive: zipfile.ZipFile, member: str) -> Iterator[bytes]:
    """Pieces of the sheet that end behind a row, as far as it is looked at."""
    tail, read = b"", 0
    with archive.open(member) as file:
        while read < _MOST_BYTES and (block := file.read(_BLOCK)):
            read += len(block)
            text = tail + block
            end = max(text.rfind(b"</row>"), text.rfind(b":row>")) + 6
            if end < 6:
                tail = text if len(text) < 16 * _BLOCK else b""
                continue
            yield text[:end]
            tail = text[end:]
