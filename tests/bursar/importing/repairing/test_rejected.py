"""Rejected rows come back as a file that can be fixed and sent again, and runs nothing."""

import csv

import python_calamine

from bursar.importing.repairing.rejected import export_rejected, inert


def test_formulas_are_made_inert_and_numbers_are_not():
    assert inert("=1+1") == "'=1+1"
    assert inert("@SUM(A1)") == "'@SUM(A1)"
    assert inert("-cmd|' /C calc'!A0").startswith("'-cmd")
    assert inert("-500.25") == "-500.25"
    assert inert("+12") == "+12"
    assert inert("plain") == "plain"


def test_the_csv_has_the_rows_and_their_reasons(write, clean, tmp_path):
    found = clean(write("Department,Fiscal Year,Budget\nSales,2025,1\n=A1,2025,lots\n"))
    out = tmp_path / "rejected.csv"
    assert (
        export_rejected(out, found.analysis.headers, found.analysis.sheet, found.rejected, "csv")
        == 1
    )
    rows = list(csv.reader(out.open(encoding="utf-8-sig", newline="")))
    assert rows[0] == ["Department", "Fiscal Year", "Budget", "Row", "Reason"]
    assert rows[1][:4] == ["'=A1", "2025", "lots", "3"]
    assert "not a number" in rows[1][4]


def test_the_workbook_has_the_same(write, clean, tmp_path):
    found = clean(write("Department,Fiscal Year,Budget\nSales,2025,1\n=A1,2025,lots\n"))
    out = tmp_path / "rejected.xlsx"
    export_rejected(out, found.analysis.headers, found.analysis.sheet, found.rejected, "xlsx")
    rows = python_calamine.CalamineWorkbook.from_path(out).get_sheet_by_index(0).to_python()
    assert rows[1][:3] == ["'=A1", "2025", "lots"]


def test_a_fixed_file_can_be_sent_again(write, clean, tmp_path):
    found = clean(write("Department,Fiscal Year,Budget\nSales,2025,lots\nIT,2025,3\n"))
    out = tmp_path / "rejected.csv"
    export_rejected(out, found.analysis.headers, found.analysis.sheet, found.rejected, "csv")
    out.write_text(out.read_text(encoding="utf-8-sig").replace("2025,lots", "2025,10"))
    again = clean(out)
    assert [(r.department, r.budgeted_amount) for r in again.rows] == [("Sales", "10")]
