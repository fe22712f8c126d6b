"""Formulas without a stored result are named and refused, never read as blank."""

import zipfile

import pytest
import xlsxwriter

from bursar.importing.reading import open_source
from bursar.importing.reading.cells import is_failed_formula, visible
from bursar.importing.reading.formulas import cells_without_result
from bursar.importing.recognising.analysis import analyze

HEADERS = ["Department", "Fiscal Year", "Budget"]


def book_with(path, cells):
    """A workbook with formulas as some programs write them: `cells` by address."""
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet("Plan & More")
        sheet.write_row(0, 0, HEADERS)
        for i, name in enumerate(("Parks", "Roads", "Schools"), start=1):
            sheet.write_row(i, 0, [name, 2025, 100 * i])
        for place in cells:
            sheet.write_formula(place, "=SUM(B2,1)", value=0)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    for result in cells.values():
        members[sheet] = members[sheet].replace(b"</f><v>0</v>", b"</f>" + result, 1)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize("result", [b"", b"<v></v>", b"<v/>"])
def test_formulas_without_a_result_are_found(tmp_path, result):
    path = book_with(tmp_path / "plan.xlsx", {"C3": result})
    assert cells_without_result(path, path.name, "Plan & More") == {2: {2: "=SUM(B2,1)"}}
    assert list(open_source(path, path.name).rows())[2] == ["Roads", "2025", "=SUM(B2,1)"]


def test_formulas_with_a_result_are_read_as_it(tmp_path):
    path = book_with(tmp_path / "plan.xlsx", {"C3": b"<v>7.5</v>"})
    assert cells_without_result(path, path.name, "Plan & More") == {}
    assert list(open_source(path, path.name).rows())[2] == ["Roads", "2025", "7.5"]


def test_their_rows_are_rejected_and_a_warning_names_the_first(tmp_path, clean):
    path = book_with(tmp_path / "plan.xlsx", {"C3": b"", "A4": b""})
    cleaned = clean(path)
    assert cleaned.amounts == ["100"]
    assert cleaned.codes == ["formula_error", "formula_error"]
    assert [row.row for row in cleaned.rejected] == [3, 4]
    assert any("2 cells, the first of them C3" in w for w in cleaned.analysis.detection.warnings)


def test_errors_in_text_columns_are_refused(write, clean):
    cleaned = clean(write("Department,Fiscal Year,Budget\n#REF!,2025,1\nParks,2025,2\n"))
    assert cleaned.amounts == ["2"]
    assert cleaned.codes == ["formula_error"]


def test_hidden_sheets_are_named_and_not_proposed(tmp_path):
    path = tmp_path / "plan.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        for title in ("Last year", "This year"):
            sheet = book.add_worksheet(title)
            sheet.write_row(0, 0, HEADERS)
            sheet.write_row(1, 0, ["Parks", 2025, 10])
        book.get_worksheet_by_name("This year").activate()
        book.get_worksheet_by_name("Last year").hide()
    analysis = analyze(path, path.name)
    assert analysis.sheets == ("This year",)
    assert any("Last year" in warning for warning in analysis.detection.warnings)
    assert analyze(path, path.name, sheet="Last year").total_rows == 1


@pytest.mark.parametrize("text", ["#REF!", "#N/A", "#div/0!", "=SUM(A1:A3)", "=B2*3", "=+C1"])
def test_failed_formulas_are_told(text):
    assert is_failed_formula(text)


@pytest.mark.parametrize("text", ["#1 Fund", "# of posts", "= = =", "Parks", "a=b", ""])
def test_other_texts_are_not(text):
    assert not is_failed_formula(text)


def test_characters_that_nobody_sees_go():
    assert visible("\u200bPa\u00adrks\ufeff\u200f") == "Parks"
    assert visible("می\u200cشود") == "می\u200cشود"
