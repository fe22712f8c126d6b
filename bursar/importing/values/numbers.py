"""How a whole column writes numbers, and exact decimal text from its cells.

One cell such as `1.000` cannot say whether it means one or a thousand; the column usually can.
Evidence is collected over all cells; where there is none, the answer is `ambiguous` and a person
is asked. No value passes through a float.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
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
_STRIP_SPACES = {ord(c): None for c in _SPACES}
_CODES = "|".join(sorted(exponents()))  # 12 FTE is no amount of money
_AFFIX = (
    rf"(?:[A-Za-z]{{0,3}}[{_SIGNS}]|(?:{_CODES})|Rs\.?|kr\.?|zł|Kč|лв\.?|руб\.?|р\.|R|CHF|Fr\.?)"
)
# Blanks are taken possessively: several runs side by side would be divided in every way otherwise,
# and a cell of nothing but blanks would take seconds.
_SHAPE = re.compile(
    rf"""(?P<open>\()?\s*+(?P<sign>[-+−–])?\s*+(?P<pre>{_AFFIX})?\s*+(?P<sign2>[-+−–])?\s*+
    (?P<digits>\d[\d.,{_SPACES}]*|[.,]\d+)
    (?P<scale>\s*+(?:k|K|m|M|mio\.?|Mio\.?|mn|bn|B)(?![A-Za-z]))?
    \s*+(?P<post>{_AFFIX})?(?:,-)?\s*+(?P<trail>[-−–])?\s*+(?P<close>\))?(?P<trail2>[-−–])?""",
    re.VERBOSE,
)
_LONGEST = 100  # no amount is written with more characters


def _shape_of(text: str) -> re.Match[str] | None:
    return _SHAPE.fullmatch(text) if len(text) <= _LONGEST else None


def affixes_of(text: str) -> tuple[str, ...]:
    """The currency signs and codes beside a number; none where the text is no number."""
    shape = _shape_of(text.strip())
    return tuple(a for a in (shape["pre"], shape["post"]) if a) if shape else ()


_SCALES = {"k": 3, "m": 6, "mio": 6, "mio.": 6, "mn": 6, "bn": 9, "b": 9}
_GROUPED = {
    ".": re.compile(r"\d{1,3}(?:\.\d{3})+|\d{1,3}(?:\.\d{2})+\.\d{3}", re.ASCII),
    ",": re.compile(r"\d{1,3}(?:,\d{3})+|\d{1,2}(?:,\d{2})+,\d{3}", re.ASCII),
}
_ENOUGH = 2000
# Shapes that only the other convention has; a match is looked at again, cell by cell.
_AGAINST_POINT = re.compile(r",\d{1,2}(?!\d)|,\d{4}|\.\d{3}[.,]|(?<!\d),\d", re.ASCII)
_AGAINST_COMMA = re.compile(r"\.\d{1,2}(?!\d)|\.\d{4}|,\d{3}[.,]|(?<!\d)\.\d", re.ASCII)
_SPACED = re.compile(rf"\d{{1,3}}(?:[{_SPACES}]\d{{3}})+(?:[.,]\d*)?", re.ASCII)
_ONE_GROUP = re.compile(r"[1-9]\d{0,2}[.,]\d{3}", re.ASCII)


@dataclass(slots=True)
class Evidence:
    """What the cells of one column have shown so far. Fill it with `look`, then `decide`."""

    point: int = 0
    comma: int = 0
    ambiguous_point: int = 0
    ambiguous_comma: int = 0
    cells: int = 0
    signs: set[str] = field(default_factory=set)

    def look(self, cells: Sequence[str]) -> None:
        """Take some cells of the column into account.

        Once thousands of cells agree, only cells that would contradict them are looked for.
        """
        if self.cells > _ENOUGH and not (self.point and self.comma):
            against = _AGAINST_POINT if self.point else _AGAINST_COMMA
            if against.search("\n".join(cells)) is None:
                return
            cells = [cell for cell in cells if against.search(cell)]
        for cell in set(cells):
            if type(cell) is not Numeric and not cell.isdigit():
                self._look_at(cell)

    def _look_at(self, cell: str) -> None:
        shape = _shape_of(cell.strip())
        if shape is None:
            return
        self.cells += 1
        for affix in (shape["pre"], shape["post"]):
            if affix:
                self.signs.add(affix)
        digits = shape["digits"].translate(_STRIP_SPACES)
        points, commas = digits.count("."), digits.count(",")
        if points and commas:
            self._count("." if digits.rindex(".") > digits.rindex(",") else ",")
        elif points + commas == 1:
            mark = "." if points else ","
            self._count(mark, ambiguous=_ONE_GROUP.fullmatch(digits) is not None)
        elif points + commas > 1 and _GROUPED["." if points else ","].fullmatch(digits):
            # 1.234.567 groups by points, so decimals would follow a comma; 1.2.3 says nothing.
            self._count("," if points else ".")

    def _count(self, mark: str, *, ambiguous: bool = False) -> None:
        if mark == ".":
            self.ambiguous_point += ambiguous
            self.point += not ambiguous
        else:
            self.ambiguous_comma += ambiguous
            self.comma += not ambiguous

    def decide(self, *, thousands: str = "") -> DecimalMark:
        """`thousands` is the mark that the file's language groups with, as last evidence."""
        if self.point and self.comma:
            return DecimalMark.MIXED
        if self.point:
            return DecimalMark.POINT
        if self.comma:
            return DecimalMark.COMMA
        if self.ambiguous_point and self.ambiguous_comma:
            return DecimalMark.AMBIGUOUS
        if self.ambiguous_point:
            return DecimalMark.COMMA if thousands == "." else DecimalMark.AMBIGUOUS
        if self.ambiguous_comma:
            return DecimalMark.POINT if thousands == "," else DecimalMark.AMBIGUOUS
        return DecimalMark.NONE


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
    return bool(PLAIN.fullmatch(text) or _shape_of(text))


def parse_number(cell: str, mark: DecimalMark) -> str:
    """Canonical decimal text (`-1234.50`) of one cell under the column's convention.

    Raises NotANumber. A dash is zero. Blank cells are the caller's business.
    """
    if type(cell) is Numeric:
        return _finite(cell)
    text = unicodedata.normalize("NFKC", cell).strip()
    if text in DASHES:
        return "0"
    shape = _shape_of(text)
    if shape is None or (shape["open"] is None) != (shape["close"] is None):
        raise _refusal(text)
    written = shape["digits"].strip()
    digits = written.translate(_STRIP_SPACES)
    if digits != written and not _SPACED.fullmatch(written):
        raise _refusal(text)  # 12 34 is two numbers in one cell
    digits = _plain_digits(digits, mark, text)
    signs = [shape[name] for name in ("sign", "sign2", "trail", "trail2") if shape[name]]
    if len(signs) + bool(shape["open"]) > 1:
        raise _refusal(text)
    if shape["scale"]:
        shifted = Decimal(digits).scaleb(_SCALES[shape["scale"].strip().lower()])
        digits = format(shifted.normalize(), "f")
    negative = bool(shape["open"]) or (bool(signs) and signs[0] != "+")
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
    if _ONE_GROUP.fullmatch(digits):
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
        if not _GROUPED[grouping].fullmatch(whole):
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
