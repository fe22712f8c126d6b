"""How numbers and amounts are written: as is usual in the language that the browser asks for."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache

from babel import Locale, UnknownLocaleError
from babel.numbers import NumberPattern, get_decimal_symbol, parse_pattern
from flask import g, has_request_context, request
from markupsafe import Markup

from bursar.money import exponents

_MINUS, _NO_BREAK = "\u2212", "\u00a0"
_USUAL = Locale("en")
_ASKED = 10  # languages of a request that are looked at


def locale() -> Locale:
    """The way of writing numbers that this request asks for; English where it names none."""
    if not has_request_context():
        return _USUAL
    if "locale" not in g:
        g.locale = _best(tuple(request.accept_languages.values())[:_ASKED])
    found: Locale = g.locale
    return found


@lru_cache(maxsize=256)
def _best(languages: tuple[str, ...]) -> Locale:
    """The first of them that Babel knows."""
    for wanted in languages:
        try:
            return Locale.parse(wanted, sep="-")
        except (UnknownLocaleError, ValueError):
            continue
    return _USUAL


def decimal_mark() -> str:
    """What stands before the decimals in the language of this request."""
    return get_decimal_symbol(locale())


def number(amount: Decimal | int | str, places: int = 0) -> str:
    """Digits in groups, with a true minus sign."""
    here = locale()
    said: str = _pattern(here, places).apply(Decimal(amount), here)
    return said.replace("-", _MINUS)


@lru_cache(maxsize=256)
def _pattern(here: Locale, places: int) -> NumberPattern:
    """How a language groups digits, with so many behind the mark."""
    pattern = parse_pattern(here.decimal_formats[None].pattern)
    pattern.frac_prec = (places, places)
    return pattern


def money(amount: Decimal | str | None, currency: str | None) -> Markup | str:
    """An amount with its currency; a dash where there is none."""
    if amount is None or currency is None:
        return "–"
    digits = number(amount, exponents().get(currency, 2))
    template = Markup('<span class="money">{}{}<abbr class="currency">{}</abbr></span>')
    return template.format(digits, _NO_BREAK, currency)


def in_words(amount: Decimal | None, currency: str) -> str:
    """An amount with its currency within a sentence."""
    return f"{number(amount or 0, exponents().get(currency, 2))}{_NO_BREAK}{currency}"


def difference(amount: Decimal, currency: str) -> Markup | str:
    """A change of an amount, with its sign."""
    if amount == 0:
        return "no change"
    sign = "+" if amount > 0 else ""
    return Markup("{}{}").format(sign, money(amount, currency))


def percent(share: Decimal) -> str:
    """A share of a hundred, without decimals."""
    return f"{number(share)}{_NO_BREAK}%"


def file_size(count: int) -> str:
    """Bytes as people say them."""
    for size, unit in ((1024 * 1024, "MB"), (1024, "kB")):
        if count >= size:
            tenths = (Decimal(count) / size).quantize(Decimal("0.1"))
            return f"{number(tenths, 0 if tenths == int(tenths) else 1)} {unit}"
    return f"{count} bytes"
