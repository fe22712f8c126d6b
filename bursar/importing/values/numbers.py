"""Exact decimal text from cells as people write amounts; no value passes through a float.

One cell such as `1.000` cannot say whether it means one or a thousand, so cells are read under the
convention of their whole column, which `evidence` finds out.
"""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache

from bursar.importing.reading.cells import Numeric, is_failed_formula
from bursar.money import exponents


class DecimalMark(StrEnum):
    """What separates the decimals in a column."""

    POINT = "."
    COMMA = ","
    NONE = ""  # no cell has a separator, or only ones that can be nothing but thousands
    AMBIGUOUS = "?"  # 1.000-like cells only
    MIXED = "!"  # some cells say point, some say comma


PLAIN = re.compile(r"-?\d+(?:\.\d+)?", re.ASCII)
DASHES = frozenset({"-", "–", "—", "--", "---", "−", "- -", "‐"})
ABSENT = frozenset(
    ("", "n/a", "na", "n.a.", "#n/a", "null", "none", "nil", "tbd", "tba", "x", "k.a.", "/", "*")
)
_SIGNS = "$€£¥₹₽₩₪₺₫฿₴₦₱₡₲₵₸¢"
SIGN_CURRENCY = {
    "€": "EUR", "£": "GBP", "₹": "INR", "₽": "RUB", "₪": "ILS", "₺": "TRY", "₫": "VND", "฿": "THB",
    "₴": "UAH", "₦": "NGN", "₱": "PHP", "₡": "CRC", "₲": "PYG", "₵": "GHS", "₸": "KZT",
    "R$": "BRL", "US$": "USD", "C$": "CAD", "A$": "AUD", "zł": "PLN", "Kč": "CZK",
}  # fmt: skip
_SPACES = " \u00a0\u202f\u2009\u2007'’`_"
STRIP_SPACES = {ord(c): None for c in _SPACES}
_CODES = "|".join(sorted(exponents()))  # 12 FTE is no amount of money
_AFFIX = (
    rf"(?:[A-Za-z]{{0,3}}[{_SIGNS}]|(?:{_CODES})|Rs\.?|kr\.?|zł|Kč|лв\.?|руб\.?|р\.|R|CHF|Fr\.?)"
)
# Blanks are taken possessively: several runs side by side would be divided in every way otherwise,
# and a cell of nothing but blanks would take seconds.
_SHAPE = re.compile(
    rf"""(?:(?P<outer>{_AFFIX})\s*+(?=\())?(?P<open>\()?\s*+(?P<sign>[-+−–])?\s*+(?P<pre>{_AFFIX})?\s*+(?P<sign2>[-+−–])?\s*+
    (?P<digits>\d[\d.,{_SPACES}]*|[.,]\d+)
    (?P<scale>\s*+(?:k|K|m|M|mio\.?|Mio\.?|mn|bn|B)(?![A-Za-z]))?
    \s*+(?P<post>{_AFFIX})?(?:,-)?\s*+(?P<trail>[-−–])?\s*+(?P<close>\))?(?P<trail2>[-−–])?
    (?:\s*+(?P<entry>[CD]R)\.?)?""",
    re.VERBOSE,
)
_LONGEST = 100  # no amount is written with more characters


def shape_of(text: str) -> re.Match[str] | None:
    """The parts of a stripped text that is written as an amount; None for any other."""
    return _SHAPE.fullmatch(text) if len(text) <= _LONGEST else None


def affixes_of(text: str) -> tuple[str, ...]:
    """The currency signs and codes beside a number; none where the text is no number."""
    shape = shape_of(text.strip())
    return affixes(shape) if shape else ()


def affixes(shape: re.Match[str]) -> tuple[str, ...]:
    """The currency signs and codes of a shape."""
    return tuple(a for a in (shape["outer"], shape["pre"], shape["post"]) if a)


_SCALES = {"k": 3, "m": 6, "mio": 6, "mio.": 6, "mn": 6, "bn": 9, "b": 9}
GROUPED = {
    ".": re.compile(r"\d{1,3}(?:\.\d{3})+|\d{1,3}(?:\.\d{2})+\.\d{3}", re.ASCII),
    ",": re.compile(r"\d{1,3}(?:,\d{3})+|\d{1,2}(?:,\d{2})+,\d{3}", re.ASCII),
}
_SPACED = re.compile(rf"\d{{1,3}}(?:[{_SPACES}]\d{{3}})+(?:[.,]\d*)?", re.ASCII)
ONE_GROUP = re.compile(r"[1-9]\d{0,2}[.,]\d{3}", re.ASCII)


class NotANumber(ValueError):
    """A cell that is no amount; `code` says why."""

    def __init__(self, code: str, detail: str) -> None:
        self.code = code
        self.detail = detail
        super().__init__(detail)


def is_absent(cell: str) -> bool:
    """Whether a cell says that there is no value: blank, n/a, or dots as statistics print them."""
    text = cell.strip().lower()
    return text in ABSENT or not text.strip(".…")


@lru_cache(maxsize=8192)
def looks_numeric(cell: str) -> bool:
    """Whether a cell could be an amount under some convention."""
    text = cell.strip()
    return bool(PLAIN.fullmatch(text) or shape_of(text))


def parse_number(cell: str, mark: DecimalMark, *, credits_plain: bool = True) -> str:
    """Canonical decimal text (`-1234.50`) of one cell under the column's convention.

    A dash is zero. CR behind an amount makes it negative and DR leaves it as it is, unless column
    or currency do not make that plain. Blank cells are the caller's business. Raises NotANumber.
    """
    if type(cell) is Numeric:
        return _finite(cell)
    text = unicodedata.normalize("NFKC", cell).strip()
    if text in DASHES:
        return "0"
    shape = shape_of(text)
    if shape is None or (shape["open"] is None) != (shape["close"] is None):
        raise _refusal(text)
    written = shape["digits"].strip()
    digits = written.translate(STRIP_SPACES)
    if digits != written and not _SPACED.fullmatch(written):
        raise _refusal(text)  # 12 34 is two numbers in one cell
    digits = _plain_digits(digits, mark, text)
    signs = [shape[name] for name in ("sign", "sign2", "trail", "trail2") if shape[name]]
    entry = shape["entry"] or ""
    if len(signs) + bool(shape["open"]) + bool(entry) > 1:
        raise _refusal(text)
    if entry and not credits_plain:
        raise _unclear_credit(text)
    if shape["scale"]:
        shifted = Decimal(digits).scaleb(_SCALES[shape["scale"].strip().lower()])
        digits = format(shifted.normalize(), "f")
    negative = bool(shape["open"]) or entry == "CR" or (bool(signs) and signs[0] != "+")
    return f"-{digits}" if negative and digits.strip("0.") else digits


def _plain_digits(digits: str, mark: DecimalMark, text: str) -> str:
    points, commas = digits.count("."), digits.count(",")
    if not points and not commas:
        return digits.lstrip("0") or "0"
    if points and commas:
        own = "." if digits.rindex(".") > digits.rindex(",") else ","
        if mark in (DecimalMark.POINT, DecimalMark.COMMA) and own != mark:
            raise _other_convention(text, mark)
        return _split(digits, own, text)
    present = "." if points else ","
    if mark in (DecimalMark.POINT, DecimalMark.COMMA):
        return _split(digits, str(mark), text)
    if (points or commas) > 1:
        return _split(digits, "," if present == "." else ".", text)
    if ONE_GROUP.fullmatch(digits):
        raise NotANumber(
            "ambiguous_number_format",
            f"{text!r} may mean {digits.replace(present, '')} or {digits.replace(present, '.')}; "
            "nothing in this column tells. Say which mark separates the decimals.",
        )
    return _split(digits, present, text)


def _split(digits: str, mark: str, text: str) -> str:
    grouping = "," if mark == "." else "."
    whole, found, decimals = digits.partition(mark)
    if mark in decimals or grouping in decimals:
        raise _other_convention(text, mark)
    if grouping in whole:
        if not GROUPED[grouping].fullmatch(whole):
            raise _other_convention(text, mark)
        whole = whole.replace(grouping, "")
    whole = whole.lstrip("0") or "0"
    return f"{whole}.{decimals}" if found and decimals else whole


def _other_convention(text: str, mark: str) -> NotANumber:
    name = "points" if mark == "." else "commas"
    return NotANumber(
        "mixed_number_formats",
        f"{text!r} does not fit the rest of the column, which separates decimals by {name}.",
    )


def _unclear_credit(text: str) -> NotANumber:
    return NotANumber(
        "credit_unclear",
        f"It is not plain whether {text!r} is below zero: most amounts of the column are marked"
        " CR, or its currency may count in crores. Write it in figures, with a sign.",
    )


def _finite(text: str) -> str:
    if PLAIN.fullmatch(text):
        return "0" if text == "-0" else str(text)
    raise _refusal(text)


def _refusal(text: str) -> NotANumber:
    lowered = text.lower().lstrip("+-−(").rstrip(")")
    if lowered.endswith("%"):
        return NotANumber("percent_not_allowed", f"{text!r} is a percentage, not an amount.")
    if lowered in ("nan", "inf", "infinity", "1e999", "∞"):
        return NotANumber("not_a_number", f"{text!r} is not a finite number.")
    if lowered.startswith("#"):
        return NotANumber("formula_error", f"{text!r} is a formula error of the spreadsheet.")
    if is_failed_formula(text):
        return NotANumber("formula_error", f"{text[:80]!r} is a formula without a stored result.")
    return NotANumber("not_a_number", f"{text!r} is not a number.")
