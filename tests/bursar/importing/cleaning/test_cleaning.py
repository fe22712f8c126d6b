"""Cleaning gives rows that can be loaded, and says why the others cannot."""

import pytest

from bursar.errors import InvalidInput, MappingIncomplete
from bursar.importing.cleaning.clean import Defaults
from bursar.importing.recognising.analysis import analyze

PLAIN = """Department,Sub Category,Fiscal Year,Budget,Notes
Sales,Travel,FY2025,1200.50,first
Sales,Rent,FY25,3000,
IT,Licences,2025,-40.25,a credit
"""


def test_a_plain_file_gives_a_row_for_each_line(write, clean):
    found = clean(write(PLAIN))
    assert [
        (r.row, r.department, r.sub_category, r.fiscal_period, r.currency) for r in found.rows
    ] == [
        (2, "Sales", "Travel", "FY2025", "USD"),
        (3, "Sales", "Rent", "FY2025", "USD"),
        (4, "IT", "Licences", "FY2025", "USD"),
    ]
    assert found.amounts == ["1200.50", "3000", "-40.25"]
    assert found.rejected == []


def test_every_bad_cell_of_a_row_is_named(write, clean):
    found = clean(write("Department,Fiscal Year,Budget\nSales,FY2025,10\n,sometime,ten\n"))
    (row,) = found.rejected
    assert (row.row, row.cells) == (3, ("", "sometime", "ten"))
    assert {(e.column, e.code) for e in row.errors} == {
        ("Department", "missing_department"),
        ("Fiscal Year", "unknown_period"),
        ("Budget", "not_a_number"),
    }


def test_a_blank_amount_beside_a_department_is_an_error(write, clean):
    found = clean(write("Department,Fiscal Year,Budget\nSales,FY2025,\nIT,FY2025,5\n"))
    assert found.codes == ["missing_amount"]


def test_a_section_row_is_left_out_and_counted(write, clean):
    found = clean(write("Department,Fiscal Year,Budget\nNORTH,,\nSales,FY2025,7\n"))
    assert (found.amounts, found.rejected, found.left_out.empty) == (["7"], [], 1)


def test_decimal_commas_are_decided_on_the_whole_column(write, clean):
    text = "Abteilung;Jahr;Budget\nVertrieb;2025;1.000\nIT;2025;2.500,75\nHR;2025;(300,00)\n"
    assert clean(write(text)).amounts == ["1000", "2500.75", "-300.00"]


def test_a_column_of_thousand_like_numbers_is_asked_and_never_guessed(write, clean):
    path = write("Department,Fiscal Year,Budget\nSales,2025,1.000\nIT,2025,2.000\n")
    with pytest.raises(MappingIncomplete, match="one thousand") as refused:
        clean(path)
    assert [fault.code for fault in refused.value.faults] == ["decimal_mark_open"]
    assert clean(path, decimal_marks={"Budget": ","}).amounts == ["1000", "2000"]
    assert clean(path, decimal_marks={"Budget": "."}).amounts == ["1", "2"]


def test_a_wide_row_gives_a_row_for_each_period(write, clean):
    found = clean(write("Department,FY2024,FY2025\nSales,10,20\nIT,30,40\n"))
    assert [(r.row, r.department, r.fiscal_period, r.budgeted_amount) for r in found.rows] == [
        (2, "Sales", "FY2024", "10"),
        (2, "Sales", "FY2025", "20"),
        (3, "IT", "FY2024", "30"),
        (3, "IT", "FY2025", "40"),
    ]


def test_a_wide_row_with_one_bad_cell_is_rejected_as_a_whole(write, clean):
    found = clean(write("Department,FY2024,FY2025\nSales,10,20\nIT,30,x1\nHR,-,\nOps,5,\n"))
    assert [r.department for r in found.rows] == ["Sales", "Sales"]
    assert [(r.row, r.errors[0].code) for r in found.rejected] == [
        (3, "not_a_number"),
        (5, "missing_amount"),
    ]
    assert found.left_out.empty == 1


def test_totals_and_blank_rows_are_left_out_and_counted(write, clean):
    text = (
        "Department,Fiscal Year,Budget\nSales,2025,1\n\nIT,2025,2\nTotal,,3\nGrand total,2025,3\n"
    )
    found = clean(write(text))
    assert (found.amounts, found.rejected) == (["1", "2"], [])
    assert (found.left_out.totals, found.left_out.blank) == (2, 1)
    assert found.analysis.total_rows == 2


def test_a_department_called_total_rewards_is_no_total(write, clean):
    found = clean(
        write("Department,Year,Budget\nSales,2025,1\nTotal Rewards,2025,2\nTotal Sales,2025,1\n")
    )
    assert [r.department for r in found.rows] == ["Sales", "Total Rewards"]


def test_more_decimals_than_the_currency_has_is_an_error(write, clean):
    text = "Department,Year,Currency,Budget\n"
    text += "A,2025,JPY,10.5\nB,2025,USD,10.555\nC,2025,KWD,10.555\nD,2025,JPY,10.00\n"
    found = clean(write(text))
    assert found.codes == ["too_many_decimals"] * 2
    assert found.amounts == ["10.555", "10"]


def test_float_noise_is_removed_and_real_decimals_are_not(write, clean):
    text = "Department,Year,Budget\n"
    text += "A,2025,0.30000000000000004\nB,2025,67250.27000000002\nC,2025,1.2345\n"
    found = clean(write(text))
    assert (found.amounts, found.codes) == (["0.3", "67250.27"], ["too_many_decimals"])


def test_currencies_are_checked(write, clean):
    text = "Department,Year,Currency,Budget\nA,2025,usd,1\nB,2025,XXQ,1\nC,2025,EUR,1\nD,2025,,1\n"
    found = clean(write(text), allowed_currencies=["USD"])
    assert [r.currency for r in found.rows] == ["USD", "USD"]
    assert found.codes == ["unknown_currency", "currency_not_allowed"]


def test_defaults_fill_what_the_file_does_not_say(write, clean):
    path = write("Department,Budget\nSales,5\n", name="export.csv")
    found = clean(path, defaults=Defaults("EUR", "2025-26", None))
    assert (found.rows[0].fiscal_period, found.rows[0].currency) == ("FY2026", "EUR")


def test_the_file_name_gives_the_period_unless_a_default_does(write, clean):
    path = write("Department,Budget\nSales,5\n", name="budget_FY2024.csv")
    assert clean(path).rows[0].fiscal_period == "FY2024"
    assert clean(path, defaults=Defaults(None, "FY2026", None)).rows[0].fiscal_period == "FY2026"


def test_a_required_field_that_nothing_gives_is_named(write, clean):
    with pytest.raises(MappingIncomplete) as raised:
        clean(write("Department,Budget\nSales,5\n", name="export.csv"))
    assert "fiscal_period" in raised.value.detail


def test_a_mapping_overrides_the_proposal(write, clean):
    path = write("Unit,Team,Year,Budget,Forecast\nNorth,Sales,2025,5,6\n")
    found = clean(path, mapping={"Team": "department", "Unit": None, "Forecast": "budgeted_amount"})
    assert (found.rows[0].department, found.rows[0].budgeted_amount) == ("Sales", "6")


@pytest.mark.parametrize("target", ["account", "account_code"])
def test_an_account_may_be_called_as_analysis_or_as_budgets_call_it(write, clean, target):
    path = write("Department,Konto X,Fiscal Year,Budget\nSales,4711,FY2025,5\n")
    (row,) = clean(path, mapping={"Konto X": target}).rows
    assert row.account_code == "4711"


def test_unknown_headers_and_targets_are_faults(write, clean):
    with pytest.raises(InvalidInput) as raised:
        clean(write(PLAIN), mapping={"Nowhere": "department", "Budget": "amount"})
    assert [f.code for f in raised.value.faults][:2] == ["unknown_header", "unknown_target"]


def test_cells_beyond_the_header_reject_the_row(write, clean):
    found = clean(write("Department,Fiscal Year,Budget\nSales,2025,1\nIT,2025,1,234\n"))
    assert found.codes == ["extra_cells"]


def test_workbook_numbers_are_exact(write_book, clean):
    rows = [
        ["Department", "Fiscal Year", "Budget"],
        ["A", 2025, 0.1 + 0.2],
        ["B", 2025, 1.005],
        ["C", 2025, 1234.5],
    ]
    found = clean(write_book({"Plan": rows}))
    assert (found.amounts, found.codes) == (["0.3", "1234.5"], ["too_many_decimals"])


def test_a_row_with_a_year_and_an_amount_but_no_department_is_an_error(write, clean):
    found = clean(write("Department,Year,Budget\nSales,2025,1\n,2025,5\n,,6\n"))
    assert found.codes == ["missing_department"]
    assert found.left_out.totals == 1


def test_bare_months_take_their_year_from_the_default(write, clean):
    path = write("Department,Month,Budget\nSales,Jan,1\nIT,July,2\n", name="x.csv")
    found = clean(path, defaults=Defaults(None, "FY2025", None), fiscal_start_month=7)
    assert [r.fiscal_period for r in found.rows] == ["2025-01", "2024-07"]


def test_bare_months_without_a_year_wait_for_one(write, clean):
    with pytest.raises(MappingIncomplete, match="fiscal_period"):
        clean(write("Department,Month,Budget\nParks,Jan,1\nParks,Feb,2\n"))


def test_blank_periods_of_a_wide_layout_may_be_skipped(write, clean):
    path = write("Department,FY2024,FY2025\nSales,10,\nIT,,\n")
    found = clean(path, skip_blank_periods=True)
    assert [(r.department, r.fiscal_period) for r in found.rows] == [("Sales", "FY2024")]
    assert found.rejected == []


def test_amounts_are_multiplied_by_the_unit_that_a_person_confirmed(write, clean):
    found = clean(write("Department,Year,Budget\nA,2025,1.5\nB,2025,2\n"), unit=1_000_000)
    assert found.amounts == ["1500000", "2000000"]


def test_a_wide_column_without_a_calendar_period_must_be_left_out(write, clean):
    path = write("Department,Year 1,Year 2\nSales,10,20\nIT,30,40\n")
    with pytest.raises(MappingIncomplete, match="Year 1"):
        clean(path, defaults=Defaults(None, "FY2025", None))


def test_a_required_column_without_any_value_gives_nothing(write, clean):
    path = write("Agency,Category,Year,Budget\n,Parks,2025,1\n,Roads,2025,2\n")
    with pytest.raises(MappingIncomplete, match="department"):
        clean(path)
    assert clean(path, mapping={"Agency": "department"}).codes == ["missing_department"] * 2


def test_of_two_revisions_of_a_budget_the_later_counts(write, clean):
    found = clean(write("Department,FY2025 Adopted Budget,FY2025 Amended Budget\nA,1,2\nB,3,4\n"))
    assert found.amounts == ["2", "4"]
    assert any(
        "the last revision counts, 'FY2025 Amended Budget'" in warning
        for warning in found.analysis.detection.warnings
    )


def test_labels_merged_downwards_belong_to_each_row(tmp_path, clean):
    import xlsxwriter

    path = tmp_path / "merged.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["Department", "Category", "Year", "Budget"])
        sheet.merge_range("A2:A3", "Sales")
        sheet.write_row(1, 1, ["Travel", 2025, 10])
        sheet.write_row(2, 1, ["Rent", 2025, 20])
        sheet.write_row(3, 0, ["IT", "Rent", 2025, 30])
    assert [r.department for r in clean(path).rows] == ["Sales", "Sales", "IT"]


def test_ten_thousand_rows_keep_their_order_and_their_numbers(write, clean):
    lines = [f"D{i % 7},2025,{i}.5" for i in range(10_000)]
    lines[5000] = "D0,2025,oops"
    found = clean(write("Department,Year,Budget\n" + "\n".join(lines) + "\n"))
    assert [r.row for r in found.rejected] == [5002]
    assert [r.row for r in found.rows] == [n for n in range(2, 10_002) if n != 5002]


def test_characters_that_nobody_sees_do_not_make_two_departments(write, clean):
    text = "Department,Year,Budget\n\u200bParks\u00a0,\ufeff2025,1\nParks,2025,2\n\u200b,2025,3\n"
    cleaned = clean(write(text))
    assert [(row.department, row.fiscal_period) for row in cleaned.rows] == [
        ("Parks", "FY2025"),
        ("Parks", "FY2025"),
    ]
    assert cleaned.codes == ["missing_department"]


def test_of_two_columns_of_one_name_neither_is_dropped_in_silence(write, clean):
    path = write("Department,Year,Amount,Amount\nParks,2025,1,2\nRoads,2025,3,4\n")
    with pytest.raises(MappingIncomplete, match="same name"):
        clean(path)
    cleaned = clean(path, mapping={"Amount": "budgeted_amount"})
    names = cleaned.analysis.headers
    assert len(set(names)) == 4
    columns = cleaned.analysis.columns[2:]
    assert [c.target for c in columns].count("budgeted_amount") == 1
    left = next(c for c in columns if c.target != "budgeted_amount")
    assert left.target or left.reason
    other = clean(path, mapping={names[2]: None, names[3]: "budgeted_amount"})
    assert (cleaned.amounts, other.amounts) == (["1", "3"], ["2", "4"])


def test_header_rows_that_belong_together_are_joined(write, clean):
    text = (
        "Department,Item,Budget,Budget,Actual\n"
        ",,FY2024,FY2025,FY2024\n"
        "Parks,Benches,1,2,9\nRoads,Salt,3,4,9\nSchools,Books,5,6,9\n"
    )
    cleaned = clean(write(text))
    assert cleaned.analysis.headers[2:4] == ("Budget FY2024", "Budget FY2025")
    assert [(row.fiscal_period, row.budgeted_amount) for row in cleaned.rows[:2]] == [
        ("FY2024", "1"),
        ("FY2025", "2"),
    ]


@pytest.mark.parametrize("second", ["Parks,n/a,n/a", "Parks,TBD,", "Parks:,Summer:,Winter:"])
def test_a_row_of_data_is_no_second_header_row(write, second):
    text = f"Department,Budget 2024,Budget 2025\n{second}\nRoads,1,2\nSchools,3,4\n"
    path = write(text)
    assert analyze(path, path.name).header_row == 0
