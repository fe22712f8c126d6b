"""What stands outside the table: a period, department or currency in title, sheet or file name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Literal

from bursar.eras import is_letter_and_number
from bursar.fiscal import Period, find
from bursar.importing.recognising.matching import match_name
from bursar.importing.recognising.words import has_cjk
from bursar.importing.values.numbers import SIGN_CURRENCY
from bursar.money import exponents

Origin = Literal[
    "title", "sheet", "file_name", "header", "values", "section", "template"
]  # fmt: skip
_LABELLED = re.compile(r"\s*([^:=]{3,30})[:=]\s*(\S.{0,80})")
# Codes that are also words or abbreviations in headers need company before they mean money.
COMMON_CURRENCIES = frozenset(
    (
        *("USD", "EUR", "GBP", "CHF", "JPY", "CAD", "AUD", "NZD", "SEK", "NOK", "DKK", "PLN"),
        *("CZK", "HUF", "ZAR", "INR", "CNY", "BRL", "MXN", "TRY", "ILS", "RUB", "KRW", "SGD"),
        *("HKD", "THB", "IDR", "PHP", "RON", "UAH", "AED", "SAR", "NGN", "KES", "EGP", "CLP"),
        *("COP", "ARS", "PEN", "GHS", "UGX", "TZS"),
    )
)
_UPPER = re.compile(r"(?<![A-Za-z])([A-Z]{3})(?![A-Za-z])")
_CAMEL_FY = re.compile(r"(?i)(?<=[a-z])(?=(?:19|20)\d\d(?!\d))|(?<=\d{4})(?=[a-z])")
_TWO_YEARS = re.compile(r"((?:19|20)\d\d)((?:19|20)\d\d)")


@dataclass(frozen=True, slots=True)
class Constant:
    """A value for every row, and where it was found."""

    value: str
    origin: Origin


def find_period(
    titles: Sequence[str], sheet: str | None, file_name: str, start: int
) -> tuple[Period, Origin] | None:
    """The period of the whole table. A title says it best, then the sheet, then the file name."""
    places: list[tuple[str, Origin]] = [(title, "title") for title in titles]
    if sheet:
        places.append((sheet, "sheet"))
    places.append((_spaced(PurePath(file_name).stem), "file_name"))
    for text, origin in places:
        if len(text) > 200 or (is_letter_and_number(text) and not any(map(has_cjk, titles))):
            continue
        found = find(text, start)
        if found is not None and _plausible(found[0]):
            return found[0], origin
    return None


def _spaced(stem: str) -> str:
    """File names run words and years together: `budget20132014`, `FY14_15`."""
    text = _TWO_YEARS.sub(r"\1-\2", stem)
    text = re.sub(r"(?i)(fy\d\d)_(\d\d)(?!\d)", r"\1-\2", text)
    return _CAMEL_FY.sub(" ", text)


def _plausible(period: Period) -> bool:
    return 1990 <= period.ends_on.year <= 2060


def find_department(titles: Sequence[str]) -> Constant | None:
    """`Department: Public Works` above the table, in any language of the vocabulary."""
    for title in titles:
        named = labelled_department(title)
        if named is not None:
            return Constant(named, "title")
    return None


def labelled_department(text: str) -> str | None:
    """What `Department: Public Works` names; None for any other text."""
    labelled = _LABELLED.fullmatch(text)
    if labelled is None:
        return None
    match = match_name(labelled[1]).get("department")
    return labelled[2].strip() if match is not None and match.score >= 0.8 else None


def find_currency(
    titles: Sequence[str], amount_headers: Sequence[str], signs: Sequence[str]
) -> Constant | None:
    """One ISO code in titles or amount headers, or one unmistakable sign in the cells.

    A dollar sign names no currency by itself, so it gives none.
    """
    by_sign = {SIGN_CURRENCY.get(sign, "") for sign in signs}
    codes = {sign for sign in signs if sign in exponents()}
    found = {code for code in by_sign | codes if code}
    if len(found) == 1:
        return Constant(found.pop(), "values")
    origins: tuple[tuple[Sequence[str], Origin], ...] = (
        (amount_headers, "header"),
        (titles, "title"),
    )
    for texts, origin in origins:
        named = {
            code for text in texts for code in _UPPER.findall(text) if code in COMMON_CURRENCIES
        } | {SIGN_CURRENCY[s] for text in texts for s in "€£₹" if s in text}
        if len(named) == 1:
            return Constant(named.pop(), origin)
    return None
