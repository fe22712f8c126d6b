"""An independent reading of the amounts of labelled files; it shares no code with the importer."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Collection, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

NS = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
REL = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_DECIMAL_COMMA = re.compile(r"-?[\d.]*\d,\d{1,2}")
_TOTAL = re.compile(
    r"(grand |sub-?)?totals?\b.{0,60}|.{0,30}\b(sub-?)?totals?:?|(sub)?totaal|gesamt|summe|suma|"
    r"合計|小計|總計|סה.כ.{0,20}",
    re.IGNORECASE,
)


def table_of(path: Path, label: dict[str, Any]) -> list[list[str]]:
    """The raw cells of a file as text."""
    if path.suffix == ".csv":
        text = path.read_bytes().decode(label["encoding"])
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=label["delimiter"]))
    with zipfile.ZipFile(path) as archive:
        return _sheet(archive, label["sheet"])


def _sheet(archive: zipfile.ZipFile, wanted: str) -> list[list[str]]:
    def read(name: str) -> ElementTree.Element:
        return ElementTree.fromstring(archive.read(name))

    shared = []
    if "xl/sharedStrings.xml" in archive.namelist():
        strings = read("xl/sharedStrings.xml").iterfind("m:si", NS)
        shared = ["".join(t.text or "" for t in s.iter(f"{{{NS['m']}}}t")) for s in strings]
    targets = {r.get("Id"): r.get("Target") for r in read("xl/_rels/workbook.xml.rels")}
    sheet = next(s for s in read("xl/workbook.xml").iterfind("m:sheets/m:sheet", NS)
                 if s.get("name") == wanted)  # fmt: skip
    target = str(targets[sheet.get(REL)]).lstrip("/")
    rows: list[list[str]] = []
    for row in read(target if target.startswith("xl/") else f"xl/{target}").iter(
        f"{{{NS['m']}}}row"
    ):
        rows += [[] for _ in range(int(row.get("r", 0)) - 1 - len(rows))]
        cells: dict[int, str] = {}
        for cell in row.iterfind("m:c", NS):
            column = 0
            for letter in re.match(r"[A-Z]+", str(cell.get("r")))[0]:  # type: ignore[index]
                column = column * 26 + ord(letter) - 64
            value = cell.find("m:v", NS)
            text = value.text or "" if value is not None else ""
            if cell.get("t") == "s" and text:
                text = shared[int(text)]
            elif text and cell.get("t", "n") == "n":
                # The stored double, without what its last bits add.
                text = format(Decimal(format(float(text), ".15g")), "f")
            cells[column - 1] = text
        rows.append([cells.get(n, "") for n in range(max(cells, default=-1) + 1)])
    return rows


def amounts_of(path: Path, label: dict[str, Any], columns: Collection[int]) -> Iterator[Decimal]:
    """Every amount of these columns, without those of totals, which say so or have no name."""
    texts = [
        i
        for i, _, targets in label["columns_by_index"]
        if i not in columns and not (targets and "amount" in str(targets[0]))
    ]
    has_totals = {"totals_rows", "subtotal_rows"} & set(label["features"])
    for row in table_of(path, label)[label["header_row"] + 1 :]:
        names = [row[i].strip() for i in texts if i < len(row)]
        if has_totals and (not any(names) or any(map(_TOTAL.fullmatch, names))):
            continue
        for column in columns:
            cell = re.sub(r"[$€£\s']", "", row[column]) if column < len(row) else ""
            negative = cell.startswith("(") and cell.endswith(")")
            cell = cell.strip("()")
            if not re.search(r"\d", cell):  # blank, or marks that stand for nothing
                continue
            if _DECIMAL_COMMA.fullmatch(cell):
                cell = cell.replace(".", "").replace(",", ".")
            amount = Decimal(cell.replace(",", ""))
            yield -amount if negative else amount
