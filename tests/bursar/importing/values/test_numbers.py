"""A column's way of writing numbers is decided by all of its cells, exactly or not at all."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar.importing.values.evidence import Evidence
from bursar.importing.values.numbers import (
    DecimalMark,
    NotANumber,
    looks_numeric,
    parse_number,
)


def decide(*cells, thousands=""):
    evidence = Evidence()
    evidence.look(cells)
    return evidence.decide(thousands=thousands)


@pytest.mark.parametrize(
    ("cells", "mark"),
    [
        (["1,234.56"], DecimalMark.POINT), (["1.234,56"], DecimalMark.COMMA),
        (["1.000", "2.5"], DecimalMark.POINT), (["1.000", "2,5"], DecimalMark.COMMA),
        (["1.234.567"], DecimalMark.COMMA), (["1,234,567"], DecimalMark.POINT),
        (["1.000", "2.000"], DecimalMark.AMBIGUOUS), (["1,000"], DecimalMark.AMBIGUOUS),
        (["10", "20"], DecimalMark.NONE), (["1.5", "2,5"], DecimalMark.MIXED),
        (["0.500"], DecimalMark.POINT), (["1234.567"], DecimalMark.POINT),
    ],
)  # fmt: skip
def test_the_whole_column_decides(cells, mark):
    assert decide(*cells) is mark


def test_the_language_of_the_file_is_the_last_evidence():
    assert decide("1.000", "20.000", thousands=".") is DecimalMark.COMMA


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("(500.00)", "-500.00"), ("500-", "-500"), ("$1,234.56", "1234.56"), ("USD 12", "12"),
        ("-€5", "-5"), ("12.5k", "12500"), ("1.2M", "1200000"), ("-", "0"), ("–", "0"),
        ("1 234.50", "1234.50"), ("1'234.50", "1234.50"), ("1\u202f234", "1234"), ("007", "7"),
        ("1,23,456.00", "123456.00"), ("($1.50)", "-1.50"), (".5", "0.5"), ("+3", "3"),
    ],
)  # fmt: skip
def test_amounts_become_plain_decimals(cell, value):
    assert parse_number(cell, DecimalMark.POINT) == value


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("12%", "percent_not_allowed"), ("NaN", "not_a_number"), ("Infinity", "not_a_number"),
        ("1e5", "not_a_number"), ("#REF!", "formula_error"), ("abc", "not_a_number"),
        ("(5", "not_a_number"), ("--5-", "not_a_number"), ("1.234,56", "mixed_number_formats"),
        ("12,34", "mixed_number_formats"), ("1,2345", "mixed_number_formats"),
        ("12 34", "not_a_number"), ("5 6", "not_a_number"),
    ],
)  # fmt: skip
def test_what_is_no_amount_is_refused_with_a_code(cell, code):
    with pytest.raises(NotANumber) as raised:
        parse_number(cell, DecimalMark.POINT)
    assert raised.value.code == code


@given(st.decimals(min_value=-(10**12), max_value=10**12, places=2, allow_nan=False))
def test_what_either_convention_writes_is_read_back_exactly(amount):
    english = f"{amount:,.2f}"
    german = english.translate(str.maketrans(",.", ".,"))
    assert Decimal(parse_number(english, DecimalMark.POINT)) == amount
    assert Decimal(parse_number(german, DecimalMark.COMMA)) == amount
    assert decide(english) in (DecimalMark.POINT, DecimalMark.NONE)
    assert decide(german) is DecimalMark.COMMA


def test_a_cell_of_blanks_and_nonsense_is_refused_at_once():
    # Were the blanks divided in every way, no test would ever end here.
    for cell in (
        "1" + "\xa0" * 90 + "z",
        "$" + " " * 90 + "1" + "'" * 90 + "z",
        "1" * 10_000 + "z",
    ):
        assert not looks_numeric(cell)


def test_a_numbering_says_nothing_about_how_a_column_writes_numbers():
    evidence = Evidence()
    evidence.look(["1,234.50", "1.2.3"])
    assert evidence.decide() is DecimalMark.POINT
