"""Years written short are read where their whole column makes them plain, and asked elsewhere."""

import pytest

from bursar.fiscal import resolve
from bursar.importing.recognising.analysis import analyze


@pytest.mark.parametrize(
    ("header", "cells", "periods"),
    [
        ("Fiscal Year", ("24", "25"), ["FY2024", "FY2025"]),
        ("FY", ("'24", "'25"), ["FY2024", "FY2025"]),
        ("Fiscal Year", ("24/25", "25/26"), ["FY2025", "FY2026"]),
        ("Period", ("24-25", "25-26"), ["FY2025", "FY2026"]),
        ("Fiscal Year", ("FYE 2025", "FYE 2026"), ["FY2025", "FY2026"]),
        ("Fiscal Year", ("FY25B", "FY26B"), ["FY2025", "FY2026"]),
    ],
)
def test_years_of_a_whole_column(write, clean, header, cells, periods):
    rows = "".join(f"{d},{c},10.50\n" for d in ("Parks", "Roads") for c in cells)
    found = clean(write(f"Department,{header},Budget\n{rows}"))
    assert [row.fiscal_period for row in found.rows] == periods * 2


@pytest.mark.parametrize(
    ("header", "cells"),
    [
        ("Period", ("24", "25")), ("Fiscal Year", ("1", "2")), ("Fiscal Year", ("24", "99")),
        ("Fiscal Year", ("24/25", "24/26")), ("Period", ("10/11", "11/12")),
        ("Fiscal Year", ("FY24A", "FY25B")), ("Staff", ("24", "25")),
    ],
)  # fmt: skip
def test_what_may_be_something_else_is_asked(write, header, cells):
    rows = "".join(f"{d},{c},10.50\n" for d in ("Parks", "Roads") for c in cells)
    path = write(f"Department,{header},Budget\n{rows}", name="budget.csv")
    assert "fiscal_period" in analyze(path, path.name).missing_required


def test_a_cell_further_down_that_does_not_fit_is_an_error_of_its_row(write, clean):
    rows = "".join(f"D{n},24/25,1\n" for n in range(1500)) + "Z,24/27,1\n"
    found = clean(write("Department,Fiscal Year,Budget\n" + rows))
    assert ([row.row for row in found.rejected], found.codes) == ([1502], ["unknown_period"])


@pytest.mark.parametrize("text", ["FYE 2025", "fye25", "Fiscal year ending 2025", "FY ended 2025"])
def test_a_year_is_named_by_its_end(text):
    assert resolve(text).code == "FY2025"


def test_letters_of_eras_are_years_among_japanese_words_only(write):
    rows = "Parks,1000,2000\nRoads,1500,250\n"
    regions = write(f"Department,R1,R2\n{rows}", "budget 2025.csv")
    assert {c.period for c in analyze(regions, regions.name).columns} == {None}
    years = write(f"部署,R3,R4\n{rows}", "予算.csv")
    assert [c.period for c in analyze(years, years.name).columns] == [None, "FY2021", "FY2022"]


def test_a_sheet_called_by_a_letter_and_a_number_names_no_year(write_book):
    path = write_book({"R2": [["Department", "Budget"], ["Parks", 100], ["Roads", 50]]})
    assert "fiscal_period" not in analyze(path, path.name).constants
