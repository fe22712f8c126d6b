"""A sheet with two tables is refused, with the place where the second begins."""

from __future__ import annotations

import pytest

from bursar.errors import SeveralTables
from bursar.importing.recognising.analysis import analyze

FIRST = "Department,Item,Budget 2025\nParks,Benches,100.50\nParks,Trees,50\nRoads,Salt,30\n"


@pytest.mark.parametrize("gap", ["", ",,\n", "Staff,,\n,,\n"])
def test_a_second_header_further_down_is_found(write, clean, gap):
    path = write(
        FIRST + gap + "Position,Salary,Department\nClerk,40000,Parks\nForeman,52000,Roads\n"
    )
    found = analyze(path, path.name)
    row = 5 + gap.count("\n")
    assert any(f"begins in row {row}" in warning for warning in found.detection.warnings)
    assert not found.can_proceed
    with pytest.raises(SeveralTables, match=f"row {row}"):
        clean(path)


def test_a_second_table_to_the_right_is_found(write, clean):
    lines = [
        "Department,Budget,,Department,Budget",
        "Parks,100.50,,Sales,900",
        "Roads,50.25,,IT,800",
        "Pools,20,,,",
    ]
    path = write("\n".join(lines) + "\n", name="FY2025.csv")
    with pytest.raises(SeveralTables, match="column D"):
        clean(path)


@pytest.mark.parametrize(
    "more",
    [
        "Department,Item,Budget 2025\nPools,Soap,3\n",  # the header again, on another page
        "Pools,Soap,n/a\n",
        "Total,,180.50\n",
        "Note: plan,,\n",
        "Department 7,Category 3,about 300\nPools,Soap,3\n",  # an amount that is none
    ],
)
def test_other_rows_are_no_second_table(write, more):
    path = write(FIRST + more)
    assert analyze(path, path.name).other_table is None


def test_a_blank_column_within_a_table_is_no_second_one(write):
    path = write(
        "Department,Item,,Budget 2025,Actual 2025\nParks,Benches,,100,90\nRoads,Salt,,30,31\n"
    )
    assert analyze(path, path.name).other_table is None


def test_a_header_that_is_repeated_is_left_out(write, clean):
    path = write(FIRST + "Department,Item,Budget 2025\nPools,Soap,3\n")
    cleaned = clean(path)
    assert [row.department for row in cleaned.rows] == ["Parks", "Parks", "Roads", "Pools"]
    assert cleaned.rejected == []


def test_a_row_with_a_note_for_its_amount_begins_no_table(write):
    rows = "".join(f"Legal,Line {n},FY2026,{n}00\n" for n in range(1, 6))
    noted = "Legal,Settlements,FY2026,to be agreed\nTOTAL,,,1500\n"
    path = write("Dept.,Sub-Category,Fiscal Yr,Budget\n" + rows + noted)
    assert analyze(path, path.name).other_table is None
