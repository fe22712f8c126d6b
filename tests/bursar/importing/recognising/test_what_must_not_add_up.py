"""Rows that say different things are not silently made one: kinds, currencies, periods, remarks."""

from dataclasses import replace

import pytest

from bursar.errors import InvalidInput, SeveralTables
from bursar.importing.recognising.analysis import analyze

HEAD = "Department,Fiscal Year,{},Amount\n"


@pytest.mark.parametrize(
    ("name", "values"),
    [("Scenario", ("Budget", "Actual")), ("Version", ("Original", "Revised")),
     ("Phase", ("Adopted", "Amended"))],
)  # fmt: skip
def test_rows_of_several_kinds_are_refused(write, clean, name, values):
    rows = "".join(
        f"{d},FY2025,{v},{n}0.50\n" for n, d in enumerate(("Parks", "Roads"), 1) for v in values
    )
    path = write(HEAD.format(name) + rows)
    found = analyze(path, path.name)
    assert not found.can_proceed
    assert any(name in warning for warning in found.detection.warnings)
    with pytest.raises(SeveralTables, match=name):
        clean(path)


@pytest.mark.parametrize("values", [("Operating", "Capital"), ("North", "South")])
def test_rows_of_several_sorts_are_budgets_all_the_same(write, clean, values):
    rows = "".join(f"{d},FY2025,{v},10\n" for d in ("Parks", "Roads") for v in values)
    assert len(clean(write(HEAD.format("Sort") + rows)).rows) == 4


@pytest.mark.parametrize(
    ("amounts", "base", "fits"),
    [
        (("$100.00", "€200.50"), "USD", False),
        (("100.00 USD", "200.50 EUR"), "USD", False),
        (("¥500", "¥600"), "USD", False),
        (("¥500", "¥600"), "JPY", True),
        (("$100.00", "200.50"), "USD", True),
        (("$100.00", "$1"), "CAD", True),
        (("500 kr", "600 kr"), "SEK", True),
        (("500 kr", "600 kr"), "USD", False),
    ],
)
def test_signs_that_say_another_currency_are_not_overlooked(write, clean, amounts, base, fits):
    rows = "".join(f"D{n},FY2025,{a}\n" for n, a in enumerate([*amounts, "3.50", "4"]))
    path = write("Department,Fiscal Year,Budget\n" + rows)
    if fits:
        assert {row.currency for row in clean(path, base_currency=base).rows} == {base}
    else:
        with pytest.raises(InvalidInput, match=r"sign|currency"):
            clean(path, base_currency=base, allowed_currencies=(base,))


def test_a_period_column_that_is_not_understood_is_not_replaced_by_the_file_s_name(write):
    rows = "Parks,Y1,90\nParks,Y2,60\nRoads,Y1,80\nRoads,Y2,70\n"
    path = write("Department,Fiscal Year,Budget\n" + rows, name="budget_2025.csv")
    found = analyze(path, path.name)
    assert "fiscal_period" in found.missing_required
    assert any("not understood" in warning for warning in found.detection.warnings)


@pytest.mark.parametrize("remark", ["Note: see appendix B", "(continued)", "subject to approval"])
def test_a_remark_between_lines_is_no_department(write, clean, remark):
    lines = ["Department: Parks,,", "Benches,FY2025,10", f"{remark},,", "Trees,FY2025,20",
             "Department: Roads,,", "Salt,FY2025,30", "Signs,FY2025,40"]  # fmt: skip
    path = write("Line item,Fiscal Year,Budget\n" + "\n".join(lines) + "\n")
    found = clean(path)
    assert [row.department for row in found.rows] == ["Parks", "Parks", "Roads", "Roads"]


def test_quantities_are_no_money(write, clean):
    path = write(
        "Department,Fiscal Year,Budget\nParks,FY2025,10\nRoads,FY2025,12 FTE\nIT,FY2025,7\n"
    )
    assert [row.row for row in clean(path).rejected] == [3]


def test_a_sign_that_contradicts_its_row_is_a_fault_of_that_row(write, clean):
    rows = "Parks,FY2025,USD,$10\nRoads,FY2025,USD,€5.50\nIT,FY2025,EUR,€7\nHR,FY2025,EUR,8 EUR\n"
    found = clean(write("Department,Fiscal Year,Currency,Budget\n" + rows))
    assert [row.row for row in found.rejected] == [3]
    assert found.codes == ["currency_conflict"]


SCOPES = (
    "Department,Project,Fiscal Year,Budget,Scope\nParks,A,FY25,30,Total\nIT,B,FY25,20,Partial\n"
)


def test_a_sort_of_budgets_called_total_is_not_left_out_unasked(write, clean):
    path = write(f"{SCOPES}Fire,C,FY25,9,Total\n")
    found = analyze(path, path.name)
    with pytest.raises(SeveralTables, match="'Partial', 'Total'"):
        clean(path)
    assert clean(path, replace(found, other_table=None)).amounts == ["30", "20", "9"]


def test_rows_called_total_that_are_the_sum_of_the_others_are_left_out(write, clean):
    found = clean(write(f"{SCOPES.replace('Total', 'Line')}City,,FY25,50,Total\n"))
    assert (found.amounts, found.left_out.totals) == (["30", "20"], 1)
