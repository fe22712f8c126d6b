"""Signs and marks beside amounts are read in every cell of a column, or named."""

import pytest

from bursar.errors import InvalidInput, MappingIncomplete
from bursar.importing.recognising.analysis import analyze

HEAD = "Department,Fiscal Year,Budget\n"


def table(*cells):
    return HEAD + "".join(f'D{n},FY2025,"{cell}"\n' for n, cell in enumerate(cells))


def test_credits_and_signs_before_parentheses_are_below_zero(write, clean):
    found = clean(
        write(table("$(5.00)", "500.00 CR", "500.00-", "3.25", "300.00 DR", "USD (7.50)"))
    )
    assert found.amounts == ["-5.00", "-500.00", "-500.00", "3.25", "300.00", "-7.50"]


def test_credits_are_errors_where_most_amounts_are_marked_so(write, clean):
    found = clean(write(table("500.00 CR", "400.00 CR", "3.25")))
    assert (found.codes, found.amounts) == (["credit_unclear"] * 2, ["3.25"])


@pytest.mark.parametrize(
    ("base", "cell", "code"),
    [("INR", "1.50 CR", "credit_unclear"), ("USD", "1.50 Cr", "not_a_number")],
)
def test_crores_are_not_taken_for_credits(write, clean, base, cell, code):
    found = clean(write(table(cell, "50.25", "7.25")), base_currency=base)
    assert (found.codes, found.amounts) == ([code], ["50.25", "7.25"])


@pytest.mark.parametrize("cell", ["-500 CR", "(500) CR", "-500 DR"])
def test_two_marks_on_one_amount_are_refused(write, clean, cell):
    assert clean(write(table(cell, "1.50", "2.50"))).codes == ["not_a_number"]


@pytest.mark.parametrize("cell", ["€7.50", "7.50 EUR"])
def test_another_currency_far_down_a_column_is_not_overlooked(write, clean, cell):
    path = write(table(*(f"${n}.50" for n in range(5000)), cell))
    with pytest.raises(InvalidInput, match="currency"):
        clean(path)


def test_another_currency_far_down_a_column_of_bare_amounts_is_not_overlooked(write, clean):
    path = write(table(*(f"{n}.50" for n in range(5000)), "€7.50"))
    with pytest.raises(InvalidInput, match="EUR"):
        clean(path, allowed_currencies=("USD",))


def test_a_column_that_only_a_person_maps_has_its_signs_looked_at(write, clean):
    path = write("Department,Fiscal Year,Budget,Other\nParks,FY2025,1.50,€7\nIT,FY2025,2.50,€8\n")
    with pytest.raises(InvalidInput, match="€"):
        clean(path, mapping={"Other": "budgeted_amount"})


@pytest.mark.parametrize("cell", ["10%", "5 pcs", "(7.50"])
def test_a_mark_far_down_a_column_is_an_error_of_its_row(write, clean, cell):
    found = clean(write(table(*(f"${n}.50" for n in range(5000)), cell)))
    assert [row.row for row in found.rejected] == [5002]


def test_a_sign_settles_what_groups_thousands(write, clean):
    assert clean(write(table("$1,000", "$2,500", "500"))).amounts == ["1000", "2500", "500"]
    euros = clean(write(table("€1.000", "€2.500", "500")))
    assert (euros.amounts, euros.rows[0].currency) == (["1000", "2500", "500"], "EUR")


@pytest.mark.parametrize("cells", [("1,000", "2,500", "500"), ("KWD 1,000", "KWD 2,500", "500")])
def test_nothing_else_settles_it(write, clean, cells):
    with pytest.raises(MappingIncomplete):
        clean(write(table(*cells)))


def test_a_sign_settles_nothing_where_amounts_are_in_millions(write):
    path = write(table("$1,250", "$2,500", "500").replace("Budget", "Budget in millions"))
    assert [q.kind for q in analyze(path, path.name).questions] == ["decimal_mark", "unit"]


def test_one_percentage_is_an_error_of_its_row_and_not_of_its_column(write, clean):
    found = clean(write(table("10%", "500.00", "400.00")))
    assert (found.codes, found.amounts) == (["percent_not_allowed"], ["500.00", "400.00"])


@pytest.mark.parametrize("first", ["Police;2025;1000", "Police;2025;1000.50"])
def test_a_table_without_a_header_is_a_budget_all_the_same(write, clean, first):
    found = clean(write(f"{first}\nFire;2025;2000\nParks;2025;1500\n"))
    assert found.analysis.detection.kind == "budget"
    assert [row.department for row in found.rows] == ["Police", "Fire", "Parks"]
