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


@pytest.mark.parametrize(
    ("one", "other"),
    [("Operating Budget", "Capital Budget"), ("Budget USD", "Budget EUR"), ("Salaries", "Travel")],
)
def test_columns_that_may_each_be_the_budget_are_asked_about(write, clean, one, other):
    rows = "Parks,FY2025,1000,2000\nRoads,FY2025,500,700\n"
    path = write(f"Department,Fiscal Year,{one},{other}\n{rows}", "budget.csv")
    found = analyze(path, path.name)
    assert [(q.kind, set(q.choices)) for q in found.questions] == [("column", {one, other})]
    with pytest.raises(MappingIncomplete, match="each be the budget"):
        clean(path)
    assert clean(path, mapping={other: "budgeted_amount"}).amounts == ["2000", "700"]
    assert clean(path, mapping={other: None, one: "budgeted_amount"}).amounts == ["1000", "500"]


def test_numbered_months_are_asked_about_instead_of_loading_one(write):
    head = "Department," + ",".join(map(str, range(1, 13)))
    rows = "".join(f"D{n}," + ",".join(str(100 * n + k) for k in range(12)) + "\n" for n in (1, 2))
    path = write(f"{head}\n{rows}", "budget 2025.csv")
    assert [q.kind for q in analyze(path, path.name).questions] == ["column"]


def test_columns_of_one_period_are_asked_about_unless_one_is_the_revision(write, clean):
    head = "Department,FY2025 {} Budget,FY2025 {} Budget\n"
    path = write(head.format("Operating", "Capital") + "Parks,1,2\nRoads,3,4\n")
    assert [q.kind for q in analyze(path, path.name).questions] == ["column"]
    chosen = {"FY2025 Capital Budget": "budgeted_amount"}
    assert clean(path, with_choices(analyze(path, path.name), chosen)).amounts == ["2", "4"]
    path = write(head.format("Original", "Revised") + "Parks,1,2\nRoads,3,4\n")
    assert clean(path).amounts == ["2", "4"]


@pytest.mark.parametrize("other", ["Previous Budget", "Budget Variance", "Budget %", "Actual"])
def test_a_column_that_is_plainly_the_budget_is_read(write, clean, other):
    path = write(f"Department,Fiscal Year,Budget,{other}\nParks,FY2025,9000,2000\nIT,FY2025,1,3\n")
    assert clean(path).amounts == ["9000", "1"]


def test_leaving_out_one_of_three_columns_settles_nothing(write):
    path = write(
        "Department,Fiscal Year,Salaries,Fuel,Rent\nA,FY2025,100,200,700\nB,FY2025,1,2,7\n"
    )
    found = analyze(path, path.name)
    assert len(with_choices(found, {"Rent": None}).questions) == 1
    assert with_choices(found, {"Rent": None, "Fuel": None}).questions == ()
