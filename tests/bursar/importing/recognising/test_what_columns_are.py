"""What the cells of a column are tells files and columns apart that are named alike."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bursar.importing.recognising.analysis import Analysis, analyze
from bursar.importing.recognising.matching import match_name

Read = Callable[..., Analysis]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def analyzed(*lines: str, name: str = "table.csv") -> Analysis:
        path = tmp_path / name
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return analyze(path, path.name)

    return analyzed


def targets(found: Analysis) -> dict[str, str | None]:
    return {column.header: column.target for column in found.columns}


def test_dotted_numbers_with_leading_zeros_are_codes(read: Read) -> None:
    found = targets(
        read(
            "account,name,department,budget",
            "001.001.001,Paper,School,1200.00",
            "001.001.002,Ink,School,340.00",
            "001.002.001,Fuel,Roads,5600.00",
            "001.002.002,Salt,Roads,780.00",
        )
    )
    assert found["account"] == "account"
    assert found["budget"] == "budgeted_amount"


def test_a_word_that_is_no_measure_is_not_taken_apart() -> None:
    assert "program" not in match_name("funcionarios")


def test_a_shortened_word_for_counting_is_no_amount() -> None:
    assert "budgeted_amount" not in match_name("CANT.")


def test_words_that_each_mean_an_amount_mean_one_together() -> None:
    assert match_name("valor despesas")["budgeted_amount"].score >= 0.5
    assert match_name("valor despesas")["budgeted_amount"].score > (
        match_name("valor xyz")["budgeted_amount"].score
    )


def test_approved_spending_across_years_is_a_budget(read: Read) -> None:
    found = targets(
        read(
            "Department,Item,2023 Approved Expenditure,2024 Approved Expenditure",
            "School,Paper,1200,1300",
            "School,Ink,340,360",
            "Roads,Fuel,5600,5900",
        )
    )
    assert found["2023 Approved Expenditure"] == "budgeted_amount"
    assert found["2024 Approved Expenditure"] == "budgeted_amount"


def test_a_column_of_years_is_the_period_whatever_its_name(read: Read) -> None:
    found = targets(
        read(
            "Department,Item,Zyx,Budget",
            "School,Paper,2023,1200",
            "School,Paper,2024,1300",
            "Roads,Fuel,2023,5600",
            "Roads,Fuel,2024,5900",
        )
    )
    assert found["Zyx"] == "fiscal_period"


def test_named_accounts_say_more_than_types_of_expense(read: Read) -> None:
    found = targets(
        read(
            "Department,Account Code,Account Name,Expense Type,Year,Budget",
            "School,2120,Printing and Binding,Expenses,2024,1200",
            "School,1090,Overtime General,Salaries,2024,340",
            "Roads,3040,Contractual Services,Expenses,2024,5600",
            "Roads,1010,Salaries General,Salaries,2024,780",
            "Roads,7300,Furniture and Equipment,Equipment,2024,90",
            "Roads,2060,Bar Dues,Expenses,2024,310",
        )
    )
    assert found["Account Name"] == "sub_category"
    assert found["Expense Type"] is None


def test_a_note_below_a_table_is_no_header(read: Read) -> None:
    found = read(
        "Department,Item,Budget",
        "School,Paper,1200",
        "School,Ink,340",
        "Roads,Fuel,5600",
        "Roads,Salt,780",
        "Parks,Seeds,120",
        "Prepared by,Checked by,Approved by",
        "Ann,Bob,Cay",
    )
    assert found.header_row == 0


def test_small_whole_numbers_across_years_count_and_are_no_budget(read: Read) -> None:
    def rows(*amounts: str) -> list[str]:
        return ["Item,2022,2023,2024", *(f"{n},{a}" for n, a in zip("ABCD", amounts, strict=True))]

    counts = read(*rows("3,4,4", "12,12,13", "1,1,2", "7,7,7")).detection
    money = read(*rows("3100,4200,4300", "12400,12800,13900", "1100,1200,2300", "70,71,72"))
    assert counts.budget_confidence < money.detection.budget_confidence


def test_fractions_are_statistics(read: Read) -> None:
    found = read(
        "group,cost mean,cost low,cost high,spread",
        "a,0.12,0.31,0.42,0.55",
        "b,0.18,0.37,0.48,0.51",
        "c,0.17,0.33,0.41,0.52",
        "d,0.11,0.36,0.45,0.58",
    )
    assert found.detection.kind == "other"


def test_numbers_without_a_word_are_no_list_of_expenses(read: Read) -> None:
    rows = [f"{i},{0.3 * i:.2f},{110 + 7 * i}.5" for i in range(1, 12)]
    assert read("x,y,z", *rows, name="expenses.csv").detection.kind == "other"


def test_rows_of_one_account_are_a_statement(read: Read) -> None:
    def kind(*accounts: str) -> Analysis:
        lines = [
            f"2024-01-{i + 1:02},{accounts[i % len(accounts)]},Payment {i},{100 + i}.50,"
            for i in range(12)
        ]
        return read("Date,Account,Description,Debit,Credit", *lines)

    one, many = kind("Checking"), kind("Rent", "Sales", "Fuel", "Cash", "Bank")
    assert one.detection.kind == "bank_statement"
    assert many.detection.kind == "general_ledger"


def test_names_under_a_header_of_a_budget_are_no_staff(read: Read) -> None:
    def sure(header: str) -> float:
        return read(
            f"{header},Year,Budget",
            "Ann Miller,2024,1200",
            "Bob Stone,2024,3400",
            "Cay Field,2024,560",
            "Dan Brook,2024,780",
        ).detection.budget_confidence

    assert sure("Department") > sure("Employee")
