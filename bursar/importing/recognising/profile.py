"""What the values of a column look like, from a sample of its rows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bursar.fiscal import part_of_year, resolve
from bursar.importing.reading.cells import Numeric
from bursar.importing.recognising.vocabulary import phrases_in, vocabulary
from bursar.importing.recognising.words import normalise
from bursar.importing.values.numbers import DASHES, is_absent, looks_numeric
from bursar.money import exponents

_YEAR = re.compile(r"(?:19|20)\d\d(?:\.0)?")
_TIME = r"(?:[ T,]+\d{1,2}[:.]\d\d.*)?"
_DATE = re.compile(
    rf"\d{{4}}-\d\d-\d\d.*|\d{{1,2}}[./-]\d{{1,2}}[./-]\d{{2,4}}{_TIME}"
    rf"|\d{{4}}[/.]\d{{1,2}}[/.]\d{{1,2}}{_TIME}|\d{{1,2}}[- ][A-Za-z]{{3}}[- ]\d{{2,4}}{_TIME}"
)
_CODE = re.compile(r"'?(?=[^\s]*\d)[A-Z0-9][\w./\-]*'?", re.IGNORECASE)
# `10017.0` is a whole number that went through a program.
_DECIMALS = re.compile(r"[.,](?!0+$)")
_MONEY = re.compile(
    r"\D*\d{1,3}(?:[.,'\u00a0\u202f ]\d{3})+\D.*|\D*\d{1,3}(?:[.,' ]\d{3}){2,}|.*[$€£¥₹()−].*|-.*"
)
# How programs write large amounts. Such a cell is refused when it is read, as digits may be gone.
_SCIENTIFIC = re.compile(r"[-+]?\d(?:[.,]\d+)?[eE][-+]?\d{1,2}")
# `007`, and `001.02.003` of a chart of accounts.
_PADDED = re.compile(r"0\d+(?:[./-]\d+){2,}|0\d+")
_ROUND = re.compile(r"[1-9]\d{2,}00(?:[.,]0+)?")
_PERCENT = re.compile(r"[-+(]?[\d.,\s]+%\)?")
_PERSON = re.compile(r"[A-Z][\w'’.-]+,? (?:[A-Z]\.? ?){0,2}[A-Z][\w'’-]+")


@dataclass(frozen=True, slots=True)
class Profile:
    """Shares are of the cells that are not blank; all are 0 where every cell is blank."""

    filled: int
    blank_share: float
    numeric: float
    years: float
    periods: float
    dates: float
    codes: float
    text: float
    percents: float
    currencies: float
    departments: float
    items: float
    account_types: float
    people: float
    units: float
    """Cells that are units of measure: kg, pcs, m2."""
    kinds: float
    """Cells that tell plan from actual, or expense from revenue, instead of naming anything."""
    flags: float
    """Cells that say yes or no, in words or as 1 and 0."""
    round: float
    """Large numbers that end in zeros, as estimates do and ids do not."""
    distinct: int
    mean_length: float
    money: float
    """Cells written as money is: with thousands separators, a currency sign, or below zero."""
    has_decimals: bool
    typical_size: float
    samples: tuple[str, ...]

    @property
    def is_amount(self) -> bool:
        """Mostly numbers that are neither years nor percentages."""
        return self.numeric >= 0.7 and self.years < 0.9 and self.percents < 0.3

    @property
    def is_label(self) -> bool:
        """Mostly words."""
        return self.text >= 0.6 and self.dates < 0.5


def profile_column(cells: Sequence[str]) -> Profile:
    """Describe a column by its sampled cells."""
    stripped = [cell if type(cell) is Numeric else cell.strip() for cell in cells]
    filled = [cell for cell in stripped if not is_absent(cell) and cell.lower() != "nan"]
    counts = Counter(filled)
    total = len(filled)
    shares: Counter[str] = Counter()
    for value, n in counts.items():
        for trait in _traits(value):
            shares[trait] += n
    sizes = sorted(_size(v) for v in list(counts)[:300] if looks_numeric(v))
    share = {trait: n / total for trait, n in shares.items()} if total else {}
    return Profile(
        filled=total,
        blank_share=1 - total / len(cells) if cells else 1.0,
        numeric=share.get("numeric", 0.0),
        years=share.get("year", 0.0),
        periods=share.get("period", 0.0),
        dates=share.get("date", 0.0),
        codes=share.get("code", 0.0),
        text=share.get("text", 0.0),
        percents=share.get("percent", 0.0),
        currencies=share.get("currency", 0.0),
        departments=share.get("department", 0.0),
        items=share.get("item", 0.0),
        account_types=share.get("account_type", 0.0),
        people=share.get("person", 0.0),
        units=share.get("unit", 0.0),
        kinds=share.get("kind", 0.0),
        flags=share.get("flag", 0.0),
        round=share.get("round", 0.0),
        distinct=len(counts),
        mean_length=sum(_width(v) * n for v, n in counts.items()) / total if total else 0.0,
        money=share.get("money", 0.0),
        has_decimals=any(_DECIMALS.search(v) for v in list(counts)[:300] if looks_numeric(v)),
        typical_size=sizes[len(sizes) // 2] if sizes else 0.0,
        samples=tuple(list(counts)[:3]),
    )


def _width(value: str) -> int:
    """How long a text reads: a Chinese, Japanese or Korean character counts as two letters."""
    return len(value) + (0 if value.isascii() else sum("\u2e80" <= c < "\uffe0" for c in value))


def _size(value: str) -> float:
    """A rough magnitude, only to tell ids and ranks from money; never used as an amount."""
    digits = re.sub(r"[^\d]", "", re.sub(r"[.,](?:\d{1,2}|\d{4,})\D*$", "", value))
    return float(digits or 0)


def _traits(value: str) -> list[str]:
    if value in DASHES:
        return ["numeric"]
    if _PERCENT.fullmatch(value):
        return ["percent"]
    if _SCIENTIFIC.fullmatch(value):
        return ["numeric", "money"]
    if looks_numeric(value):
        traits = _numeric_traits(value)
        return [*traits, "money"] if _MONEY.fullmatch(value) and traits != ["code"] else traits
    found = []
    if _DATE.fullmatch(value):
        found.append("date")
    if len(value) <= 40 and (resolve(value) is not None or part_of_year(value) is not None):
        found.append("period")
    elif _CODE.fullmatch(value):
        found.append("code")
    return found or ["text", *_named(value)]


def _numeric_traits(value: str) -> list[str]:
    if value in ("0", "1"):
        return ["numeric", "flag"]
    if _ROUND.fullmatch(value):
        return ["numeric", "round"]
    if _PADDED.fullmatch(value):
        return ["code"]  # a number would not keep its leading zero
    if _YEAR.fullmatch(value):
        return ["numeric", "year", "period"]
    return ["numeric", "period"] if resolve(value) is not None else ["numeric"]


def _named(value: str) -> list[str]:
    found = ["currency"] if len(value) == 3 and value.upper() in exponents() else []
    if len(value) > 80:
        return found
    words = vocabulary().words
    whole = normalise(value)
    if whole in words["measure_units"]:
        found.append("unit")
    if whole in words["flags"]:
        found.append("flag")
    if whole in words["scenarios"] or whole in words["account_types"]:
        found.append("kind")
    phrases = {phrase for phrase, _ in phrases_in(value, longest=2)}
    if phrases & words["department_values"]:
        found.append("department")
    if phrases & words["item_values"]:
        found.append("item")
    if whole in words["account_types"]:
        found.append("account_type")
    if _PERSON.fullmatch(value):
        found.append("person")
    return found
