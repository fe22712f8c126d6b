"""Money is a Decimal with an ISO 4217 currency, exact to the currency's own decimals.

The database stores `numeric(20,4)`; no value ever passes through a float.
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache

from bursar.errors import InvalidAmount, UnknownCurrency
from schema.reference import currency_exponents

# Stricter than Decimal itself, which also reads underscores, blanks and digits of other scripts.
PLAIN = re.compile(r"[+-]?[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?")
_MOST_DECIMALS = "CLF"  # four, as many as any currency has
LARGEST = Decimal("9999999999999999.9999")  # what numeric(20,4) holds


@lru_cache(maxsize=1)
def exponents() -> dict[str, int]:
    """Decimals by currency code."""
    return currency_exponents()


def require_currency(code: str) -> str:
    """Return `code` when it is an active ISO 4217 code, upper case as ISO writes it.

    Raises UnknownCurrency.
    """
    if code not in exponents():
        raise UnknownCurrency(f"{code!r} is not an ISO 4217 currency code in use, such as USD.")
    return code


def parse_amount(value: str | int | Decimal, currency: str) -> Decimal:
    """Read an exact amount in `currency` from decimal text.

    Raises InvalidAmount for NaN, Infinity, more decimals than the currency has, or a number that
    does not fit; UnknownCurrency.
    """
    places = exponents()[require_currency(currency)]
    if isinstance(value, float):  # a programming error: floats are stopped at the door
        raise TypeError("money never comes from a float")
    if isinstance(value, str) and not PLAIN.fullmatch(value):
        raise InvalidAmount(f"{value[:40]!r} is not a decimal number, such as 1234.50.")
    amount = Decimal(value)
    if not amount.is_finite():
        raise InvalidAmount(f"{value!r} is not a finite number.")
    if abs(amount) > LARGEST:
        raise InvalidAmount(f"{value} is larger than {LARGEST}.")
    if amount != amount.quantize(Decimal(1).scaleb(-places)):
        raise InvalidAmount(f"{value} has more than {places} decimals.")
    return amount


def positive_amount(value: str | int | Decimal, currency: str) -> Decimal:
    """As `parse_amount`, and greater than zero."""
    amount = parse_amount(value, currency)
    if amount <= 0:
        raise InvalidAmount("The amount must be greater than zero.")
    return amount


def limit_amount(value: str | int | Decimal, currency: str | None) -> Decimal:
    """An amount from zero up that limits others; without a currency, of whichever it meets.

    Raises InvalidAmount, UnknownCurrency.
    """
    amount = parse_amount(value, currency or _MOST_DECIMALS)
    if amount < 0:
        raise InvalidAmount("The amount must not be negative.")
    return amount


def positive_decimal(value: str | int | Decimal) -> Decimal:
    """An amount above zero whose currency is not known yet; the database compares its decimals.

    Raises InvalidAmount.
    """
    return positive_amount(value, _MOST_DECIMALS)


def to_wire(amount: Decimal, currency: str) -> str:
    """The amount as the API writes it: plain decimal text with the currency's decimals."""
    return format(amount.quantize(_unit(currency)), "f")


@lru_cache(maxsize=512)
def _unit(currency: str) -> Decimal:
    """The smallest amount of a currency, kept because lists write thousands of amounts."""
    return Decimal(1).scaleb(-exponents().get(currency, 2))
