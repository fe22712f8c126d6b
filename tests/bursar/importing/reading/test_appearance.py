"""What a sheet shows beside its values: currencies of number formats, and what it hides."""

import pytest
import xlsxwriter

from bursar.errors import InvalidInput
from bursar.importing.reading.appearance import symbols_of
from bursar.importing.recognising.analysis import analyze


@pytest.fixture
def write_shown(tmp_path):
    """A sheet whose amounts have the number formats, with hidden rows and columns."""

    def write(formats, hidden_rows=(), hidden_columns=()):
        path = tmp_path / "budget.xlsx"
        with xlsxwriter.Workbook(str(path)) as book:
            sheet = book.add_worksheet("Plan")
            sheet.write_row(0, 0, ["Department", "Fiscal Year", "Budget"])
            for n, code in enumerate(formats, 1):
                sheet.write_row(n, 0, [f"D{n}", "FY2025"])
                sheet.write(n, 2, n * 10, book.add_format({"num_format": code} if code else {}))
            for row in hidden_rows:
                sheet.set_row(row, None, None, {"hidden": True})
            for column in hidden_columns:
                sheet.set_column(column, column, None, None, {"hidden": True})
        return path

    return write


@pytest.mark.parametrize(
    ("code", "symbols"),
    [
        ("#,##0 [$€-407]", {"€"}), ('"$"#,##0.00', {"$"}), ("#,##0.00 [$EUR]", {"EUR"}),
        ("_($* #,##0_);_($* (#,##0)", {"$"}), ('#,##0 "USD"', {"USD"}), ("#,##0.00", set()),
        ("[$-409]mmm yy", set()), ("0%", set()),
    ],
)  # fmt: skip
def test_a_number_format_shows_symbols(code, symbols):
    assert symbols_of(code) == symbols


def test_one_currency_of_the_formats_is_the_currency_of_the_amounts(write_shown, clean):
    found = clean(write_shown(["#,##0 [$€-407]", None, "#,##0 [$€-407]"]))
    assert {row.currency for row in found.rows} == {"EUR"}


def test_two_currencies_of_the_formats_in_one_column_are_asked_about(write_shown, clean):
    path = write_shown(["#,##0 [$€-407]", '"$"#,##0.00', None])
    with pytest.raises(InvalidInput, match="signs") as refused:
        clean(path)
    assert [fault.code for fault in refused.value.faults] == ["currency_conflict"]


def test_formats_that_show_no_currency_say_nothing(write_shown, clean):
    path = write_shown(["#,##0", '#,##0 "units"', "0.00"])
    assert {row.currency for row in clean(path).rows} == {"USD"}


def test_hidden_rows_and_columns_are_named(write_shown):
    path = write_shown([None] * 5, hidden_rows=(2, 4), hidden_columns=(1,))
    warnings = " ".join(analyze(path, path.name).detection.warnings)
    assert "2 hidden rows have numbers" in warnings
    assert "Hidden columns are read like all others: B." in warnings


def test_a_sheet_that_hides_nothing_is_not_spoken_of(write_shown):
    path = write_shown([None] * 3, hidden_rows=(20,))
    assert not any("idden" in text for text in analyze(path, path.name).detection.warnings)
