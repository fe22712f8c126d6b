"""Sheets and columns of which only one is read: which one is said, or asked."""

import pytest

from bursar.errors import MappingIncomplete
from bursar.importing.choices.confirming import with_choices
from bursar.importing.recognising.analysis import analyze

HEAD = ["Department", "Category", "Budget"]


def sheet(*amounts, head=HEAD):
    return [head, *(["Parks", f"C{n}", amount] for n, amount in enumerate(amounts))]


def test_equal_sheets_are_asked_about(write_book, clean):
    path = write_book({"FY2024": sheet(10, 20), "FY2025": sheet(30, 40)})
    (question,) = analyze(path, path.name).questions
    assert (question.kind, question.choices) == ("sheet", ("FY2024", "FY2025"))
    with pytest.raises(MappingIncomplete, match="FY2025") as refused:
        clean(path)
    assert [fault.pointer for fault in refused.value.faults] == ["/sheet"]
    assert clean(path, analyze(path, path.name, sheet="FY2025")).amounts == ["30", "40"]


def test_sheets_with_their_year_in_the_header_are_equal_too(write_book):
    heads = {f"Plan {y}": ["Department", "Category", f"Budget {y}"] for y in (2024, 2025)}
    path = write_book({name: sheet(10, 20, head=head) for name, head in heads.items()})
    assert [q.kind for q in analyze(path, path.name).questions] == ["sheet"]


def test_other_sheets_that_look_like_budgets_are_named(write_book, clean):
    other = [["Cost Center", "Fiscal Year", "Budgeted Amount"], ["Roads", "FY2025", 7]]
    path = write_book({"FY2025": sheet(10, 20, 30), "More": [*other, ["IT", "FY2025", 9]]})
    found = clean(path)
    assert (found.analysis.sheet, found.amounts) == ("More", ["7", "9"])
    warnings = found.analysis.detection.warnings
    assert any("'FY2025' look like budgets too" in text for text in warnings)


def test_a_sheet_of_something_else_is_not_asked_about(write_book):
    path = write_book({"FY2025": sheet(10, 20), "Read me": [["Notes"], ["Prepared by finance"]]})
    assert analyze(path, path.name).questions == ()


TWINS = "Department,Fiscal Year,Budget,Budget\nParks,FY2025,100,{}\nRoads,FY2025,50,60\n"


def test_columns_of_one_name_and_other_amounts_are_asked_about(write, clean):
    path = write(TWINS.format(200))
    found = analyze(path, path.name)
    assert [(q.kind, q.choices) for q in found.questions] == [("column", ("Budget", "Budget #2"))]
    with pytest.raises(MappingIncomplete, match="same name"):
        clean(path)
    first = with_choices(found, {"Budget": "budgeted_amount"})
    assert clean(path, first).amounts == ["100", "50"]
    second = with_choices(found, {"Budget #2": "budgeted_amount", "Budget": None})
    assert clean(path, second).amounts == ["200", "60"]


def test_columns_of_one_name_and_the_same_amounts_are_one(write, clean):
    assert clean(write(TWINS.format(100).replace("50,60", "50,50"))).amounts == ["100", "50"]
