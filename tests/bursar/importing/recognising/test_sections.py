"""Departments in rows of their own belong to the lines below them."""

from __future__ import annotations

import pytest

from bursar.importing.cleaning.clean import Defaults
from bursar.importing.recognising.analysis import analyze

OUTLINE = """Item,FY2025 Budget
PARKS,
Benches,100.50
Trees,50
Total Parks,150.50
ROADS,
Salt,30
Total Roads,30
Grand total,180.50
"""


def lines(cleaned):
    return [(row.department, row.sub_category, row.budgeted_amount) for row in cleaned.rows]


def test_a_lone_label_is_the_department_of_the_lines_below_it(write, clean):
    path = write(OUTLINE)
    found = analyze(path, path.name)
    assert found.to_wire()["constants"]["department"] == {
        "value": "PARKS, ROADS",
        "origin": "section",
    }
    assert found.missing_required == ()
    assert any("'PARKS'" in warning for warning in found.detection.warnings)
    cleaned = clean(path)
    assert lines(cleaned) == [
        ("PARKS", "Benches", "100.50"),
        ("PARKS", "Trees", "50"),
        ("ROADS", "Salt", "30"),
    ]
    assert cleaned.rejected == []
    assert (cleaned.left_out.totals, cleaned.left_out.empty) == (3, 2)


@pytest.mark.parametrize("row", ["Department: Parks,,", "Department:,Parks,", "Abteilung: Parks,,"])
def test_a_label_may_say_that_it_is_a_department(write, clean, row):
    path = write(f"Code,Item,Budget 2025\n{row}\n10,Benches,100\n20,Trees,50\n")
    assert [(d, a) for d, _, a in lines(clean(path))] == [("Parks", "100"), ("Parks", "50")]


def test_labels_in_a_department_column_hold_for_the_blank_cells_below(write, clean):
    text = "Department,Item,Budget 2025\nParks,,\n,Benches,100\n,Trees,50\nRoads,,\n,Salt,30\n"
    assert [d for d, _, _ in lines(clean(write(text)))] == ["Parks", "Parks", "Roads"]


def test_a_department_in_the_row_itself_comes_first(write, clean):
    text = "Department,Item,Budget 2025\nNORTH,,\nParks,Benches,100\nRoads,Salt,30\n"
    assert [d for d, _, _ in lines(clean(write(text)))] == ["Parks", "Roads"]


def test_lines_above_the_first_section_are_rejected(write, clean):
    rows = "".join(f"Item {n},{n}.50\n" for n in range(1, 30))
    path = write(f"Item,FY2025 Budget\nOffice,7.25\nPARKS,\n{rows}ROADS,\nSalt,30\n")
    cleaned = clean(path)
    assert [(r.row, r.errors[0].code) for r in cleaned.rejected] == [(2, "missing_department")]


def test_sections_reach_over_thousands_of_rows(write, clean):
    body = "".join(f"Item {n},{n}.50\n" for n in range(9000))
    cleaned = clean(
        write(f"Item,FY2025 Budget\nPARKS,\nTrees,7.25\nROADS,\n{body}POOLS,\nSoap,3\n")
    )
    assert [row.department for row in cleaned.rows] == ["PARKS", *["ROADS"] * 9000, "POOLS"]


def test_a_default_replaces_sections(write, clean):
    cleaned = clean(write(OUTLINE), defaults=Defaults(None, None, "City"))
    assert {row.department for row in cleaned.rows} == {"City"}


def test_notes_below_the_table_are_no_sections(write):
    path = write("Item,FY2025 Budget\nBenches,100.50\nTrees,50\nSource: the council\nSeen in May\n")
    assert analyze(path, path.name).section_column is None
