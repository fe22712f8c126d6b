"""Money is exact, in every currency's own decimals."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar.database import Database
from bursar.errors import InvalidAmount, UnknownCurrency
from bursar.money import LARGEST, exponents, parse_amount, positive_amount, to_wire

CURRENCIES = ["JPY", "USD", "KWD", "CLF", "ZWG"]


@given(st.sampled_from(CURRENCIES), st.integers(-(10**15), 10**15))
def test_what_is_read_is_what_is_written(currency: str, units: int) -> None:
    amount = Decimal(units).scaleb(-exponents()[currency])
    text = to_wire(amount, currency)
    assert parse_amount(text, currency) == amount
    assert to_wire(parse_amount(text, currency), currency) == text


@given(st.text(max_size=30))
def test_any_text_is_an_exact_amount_or_refused(text: str) -> None:
    try:
        amount = parse_amount(text, "USD")
    except InvalidAmount:
        return
    assert amount == amount.quantize(Decimal("0.01"))
    assert abs(amount) <= LARGEST


@pytest.mark.parametrize(
    "text",
    ["NaN", "nan", "Infinity", "-inf", "1e999999999", "1_000", "１２", "0x10", "", " 1", "1.", ".5",
     "1,000", "99999999999999999", "0.001"],
)  # fmt: skip
def test_what_only_looks_like_money_is_refused(text: str) -> None:
    with pytest.raises(InvalidAmount):
        parse_amount(text, "USD")


@pytest.mark.parametrize("code", ["usd", "XXX", "", "US", "USDD", "ZWL"])
def test_an_unknown_currency_is_refused(code: str) -> None:
    with pytest.raises(UnknownCurrency):
        parse_amount("1", code)


def test_currencies_have_their_own_decimals() -> None:
    assert [exponents()[code] for code in CURRENCIES] == [0, 2, 3, 4, 2]
    with pytest.raises(InvalidAmount):
        parse_amount("1.5", "JPY")
    with pytest.raises(InvalidAmount):
        positive_amount("0", "USD")


def test_a_float_is_a_mistake_of_the_program() -> None:
    with pytest.raises(TypeError):
        parse_amount(0.1, "USD")  # type: ignore[arg-type]


def test_the_database_knows_the_same_currencies(database: Database) -> None:
    with database.pool.connection() as connection:
        rows = connection.execute("select code, decimals from currency").fetchall()
    assert dict(rows) == exponents()
