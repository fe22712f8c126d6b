"""Import real files over HTTP on workers, and compare each loaded sum with the file's own.

The sum is computed by this script alone, from the raw cells of the column that the corpus labels as
the amount; it shares no code with the importer. Files come from a labelled corpus that is not part
of this repository.

usage: python -m bench.corpus CORPUS_DIR [--only ID,ID]
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import re
import time
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4
from xml.etree import ElementTree

import httpx

from bench.stack import running

NS = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
REL = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


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
    rows = []
    for row in read(target if target.startswith("xl/") else f"xl/{target}").iter(
        f"{{{NS['m']}}}row"
    ):
        cells: dict[int, str] = {}
        for cell in row.iterfind("m:c", NS):
            column = 0
            for letter in re.match(r"[A-Z]+", str(cell.get("r")))[0]:  # type: ignore[index]
                column = column * 26 + ord(letter) - 64
            value = cell.find("m:v", NS)
            text = value.text or "" if value is not None else ""
            cells[column - 1] = shared[int(text)] if cell.get("t") == "s" and text else text
        rows.append([cells.get(n, "") for n in range(max(cells, default=-1) + 1)])
    return rows


def own_sum(path: Path, label: dict[str, Any]) -> tuple[int, Decimal]:
    """Rows with an amount, and their exact sum."""
    (column,) = columns_for(label, "budgeted_amount")
    total, count = Decimal(0), 0
    for row in table_of(path, label)[label["header_row"] + 1 :]:
        cell = row[column].strip() if column < len(row) else ""
        cell = re.sub(r"[$,\s]", "", cell)
        negative = cell.startswith("(") and cell.endswith(")")
        cell = cell.strip("()")
        if cell in {"", "-"}:
            continue
        amount = Decimal(cell)
        total += -amount if negative else amount
        count += 1
    return count, total


def columns_for(label: dict[str, Any], field: str) -> list[int]:
    return [i for i, _, targets in label["columns_by_index"] if targets and targets[0] == field]


def load(api: httpx.Client, path: Path, label: dict[str, Any]) -> dict[str, Any]:
    """Import one file and follow it to its end."""
    form = {"mode": "all_or_nothing"}
    if (label.get("n_sheets") or 1) > 1:
        form["sheet"] = label["sheet"]
    if label["period_source"] != "col":
        form["defaults"] = json.dumps({"fiscal_period": "FY2025"})
    started = api.post(
        "/api/v1/imports",
        data=form,
        files={"file": (path.name, path.read_bytes())},
        headers={"Idempotency-Key": uuid4().hex},
    ).json()
    while True:
        run: dict[str, Any] = api.get(f"/api/v1/imports/{started['id']}").json()
        if run["state"] in {"completed", "failed", "awaiting_mapping", "cancelled"}:
            return run
        time.sleep(0.05)


def loaded_sum(api: httpx.Client, import_id: str) -> Decimal:
    """What the budgets of an import add up to, read back page by page."""
    total, cursor = Decimal(0), None
    while True:
        query = {"import_id": import_id, "limit": 200} | ({"cursor": cursor} if cursor else {})
        page = api.get("/api/v1/budgets", params=query).json()
        total += sum((Decimal(b["budgeted_amount"]) for b in page["data"]), Decimal(0))
        cursor = page["next_cursor"]
        if cursor is None:
            return total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    only = {int(n) for n in options.only.split(",") if n}
    labels = json.loads((options.corpus / "corpus.json").read_text())
    equal = 0
    with running() as stack:
        for label in labels:
            if label["kind"] != "budget" or label["layout"] != "long":
                continue
            if only and label["id"] not in only:
                continue
            if len(columns_for(label, "budgeted_amount")) != 1 or not columns_for(
                label, "department"
            ):
                continue
            path = options.corpus / "files" / label["file"]
            count, total = own_sum(path, label)
            _, api = stack.tenant(str(label["id"]))
            run = load(api, path, label)
            loaded = loaded_sum(api, run["id"]) if run["state"] == "completed" else None
            same = loaded is not None and loaded == total
            equal += same
            why = "" if same else f"  {run['state']} {run['error']} {run['counts']}"
            print(f"{'=' if same else '!'} {label['file']}: {count} rows, file {total},"
                  f" loaded {loaded}{why}")  # fmt: skip
    print(f"{equal} files load to the cent")


if __name__ == "__main__":
    main()
