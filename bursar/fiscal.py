"""Free text to fiscal periods: FY2025, 2024-25, Q1 25, Jan-25, 2025-01, a date, in many languages.

A fiscal year is named by the calendar year in which it ends, so with `fiscal_start_month` 7 the
year FY2025 runs from 1 July 2024 to 30 June 2025. Quarters count within the fiscal year; months
are calendar months. Nothing is guessed: text that names no period resolves to None.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Literal

from bursar.eras import ERA_YEAR, year_of_era
from bursar.months import MONTHS, plain

PeriodKind = Literal["year", "quarter", "month", "custom"]


@dataclass(frozen=True, slots=True)
class Period:
    """A span of whole months; both dates belong to it. `code` is the canonical text."""

    code: str
    kind: PeriodKind
    starts_on: date
    ends_on: date


_Y4 = r"(?:19|20)\d\d"
_Y = rf"(?:{_Y4}|'?\d\d)"
_M = r"[^\s\d\-_/.,']{2,12}"  # a word; whether it is a month is looked up
_FY = (
    r"(?:f\.?\s?y\.?|f\.?y\.?e\.?|(?:f\.?y\.?|fiscal year) (?:ending|ended)|fiscal year|"
    r"financial year|budget year|school year|year ending|year ended|"
    r"haushaltsjahr|geschaftsjahr|wirtschaftsjahr|gj|hj|exercice|annee|ejercicio|exercicio|"
    r"ano fiscal|ano|anno|esercizio|boekjaar|begrotingsjaar|jaar|jahr|rok|yil|year)"
)
_Q = r"(?:q|t|qtr|quarter|quartal|trimestre|trim|kwartaal|kvartal|kwartal|ceyrek)"
_H = r"(?:h|s|half|semester|semestre|halbjahr)"
_SEP = r"[\s\-_/.,']*"
# Year, month and quarter as Chinese, Japanese and Korean write them.
_YEAR_SIGN = rf"(?:{'|'.join(map(plain, ('年度', '年', '년도', '년')))})"
_MONTH_SIGN = rf"(?:{'|'.join(map(plain, ('月份', '月', '월')))})"
_QUARTER_SIGN = rf"(?:{'|'.join(map(plain, ('四半期', '季度', '季', '분기')))})"
_DASH = r"\s*(?:-|/|to|bis|a|au|al)\s*"
_END = r"(?![0-9a-z])"


def _year(text: str) -> int:
    digits = int(text.lstrip("'"))
    if digits >= 1000:
        return digits
    return digits + (2000 if digits < 80 else 1900)


def _first_of(year: int, month: int) -> date:
    years, month0 = divmod(month - 1, 12)
    return date(year + years, month0 + 1, 1)


def _span(first: date, months: int) -> tuple[date, date]:
    return first, _first_of(first.year, first.month + months) - timedelta(days=1)


def _year_start(year: int, start: int) -> date:
    return date(year if start == 1 else year - 1, start, 1)


def fiscal_year(year: int, start: int = 1) -> Period:
    """The fiscal year that ends in `year` (or is it, where the year starts in January)."""
    return Period(f"FY{year}", "year", *_span(_year_start(year, start), 12))


def fiscal_quarter(year: int, quarter: int, start: int = 1) -> Period:
    """Quarter 1 to 4 of the fiscal year `year`."""
    first = _year_start(year, start)
    first = _first_of(first.year, first.month + 3 * (quarter - 1))
    return Period(f"FY{year}-Q{quarter}", "quarter", *_span(first, 3))


def fiscal_half(year: int, half: int, start: int = 1) -> Period:
    """The first or second half of the fiscal year `year`."""
    first = _year_start(year, start)
    first = _first_of(first.year, first.month + 6 * (half - 1))
    return Period(f"FY{year}-H{half}", "custom", *_span(first, 6))


def calendar_month(year: int, month: int) -> Period:
    """A calendar month."""
    return Period(f"{year:04d}-{month:02d}", "month", *_span(date(year, month, 1), 1))


def month_within(year: int, month: int, start: int) -> Period:
    """The calendar month `month` as it lies within the fiscal year `year`."""
    return calendar_month(year - 1 if start > 1 and month >= start else year, month)


def several_years(first: int, last: int, start: int = 1) -> Period | None:
    """Fiscal years `first` to `last`, both included; at most ten of them."""
    if not 0 < last - first <= 10:
        return None
    ends_on = fiscal_year(last, start).ends_on
    return Period(f"FY{first}-FY{last}", "custom", _year_start(first, start), ends_on)


def _two_years(m: re.Match[str], start: int) -> Period | None:
    """2024-2025 is one fiscal year; FY2024-FY2025 names both and means two."""
    first, last = _year(m["a"]), _year(m["b"])
    if last == first:
        return fiscal_year(last, start)
    if last == first + 1 and not (m["fa"] and m["fb"]):
        return fiscal_year(last, start)
    return several_years(first, last, start)


def _short_range(m: re.Match[str], start: int) -> Period | None:
    """2024-25 and 2024/25 are fiscal years; 2024-03 is a month, and so is 2011-12."""
    first, tail = _year(m["a"]), int(m["b"])
    last = first - first % 100 + tail + (100 if tail < first % 100 else 0)
    is_month = 1 <= tail <= 12 and not m["fa"]
    if last == first + 1 and not (is_month and m["sep"] == "-"):
        return fiscal_year(last, start)
    if is_month:
        return calendar_month(first, tail)
    return several_years(first, last, start)


def _checked_date(year: int, month: int, day: int) -> Period | None:
    try:
        date(year, month, day)
    except ValueError:
        return None
    return calendar_month(year, month)


def _slashed_date(m: re.Match[str], _: int) -> Period | None:
    """Day and month are told apart only where one of them is above twelve, or with dots."""
    a, b, year = int(m["a"]), int(m["b"]), _year(m["y"])
    if m["sep"] == "." or a > 12 or a == b:
        return _checked_date(year, b, a)
    return _checked_date(year, a, b) if b > 12 else None


def _numbered(m: re.Match[str], start: int) -> Period | None:
    """P01 FY25: the n-th month of the fiscal year."""
    number = int(m["n"])
    if not 1 <= number <= 12:
        return None
    return month_within(_year(m["y"]), (start + number - 2) % 12 + 1, start)


_Rule = tuple[re.Pattern[str], Callable[[re.Match[str], int], Period | None]]


def _rule(pattern: str, build: Callable[[re.Match[str], int], Period | None]) -> _Rule:
    return re.compile(rf"(?<![0-9a-z]){pattern}{_END}"), build


def _month_rule(pattern: str) -> _Rule:
    def build(m: re.Match[str], start: int) -> Period | None:
        month, year = MONTHS.get(m["m"]), _year(m["y"])
        if month is None:
            return None
        return month_within(year, month, start) if m["f"] else calendar_month(year, month)

    return _rule(pattern, build)


def _quarter(m: re.Match[str], start: int) -> Period | None:
    return fiscal_quarter(_year(m["y"]), int(m["q"]), start)


def _half(m: re.Match[str], start: int) -> Period | None:
    return fiscal_half(_year(m["y"]), int(m["h"]), start)


_ORDINAL = r"(?:st|nd|rd|th|er|e|eme|o|a|\.)?"
_RULES: tuple[_Rule, ...] = (
    _rule(
        rf"(?P<y>{_Y4})-(?P<m>\d\d)-(?P<d>\d\d)(?:[t ]\d\d:\d\d(?::\d\d)?(?:\.\d+)?)?",
        lambda m, _: _checked_date(int(m["y"]), int(m["m"]), int(m["d"])),
    ),
    _rule(
        rf"(?P<y>{_Y4})[/.](?P<m>\d\d?)[/.](?P<d>\d\d?)",
        lambda m, _: _checked_date(int(m["y"]), int(m["m"]), int(m["d"])),
    ),
    _rule(rf"(?P<a>\d\d?)(?P<sep>[/.\-])(?P<b>\d\d?)[/.\-](?P<y>{_Y4})", _slashed_date),
    _rule(rf"\d\d?{_SEP}(?P<m>{_M}){_SEP}(?P<f>)(?P<y>{_Y4})", _month_rule("")[1]),
    _rule(rf"(?P<m>{_M})\.?\s\d\d?,\s*(?P<f>)(?P<y>{_Y4})", _month_rule("")[1]),
    _rule(rf"{_Q}{_SEP}(?P<q>[1-4]){_SEP}(?:{_FY}{_SEP})?(?P<y>{_Y})", _quarter),
    _rule(rf"(?:{_FY}{_SEP})?(?P<y>{_Y}){_SEP}{_Q}{_SEP}(?P<q>[1-4])", _quarter),
    _rule(rf"(?P<q>[1-4]){_ORDINAL}\s*{_Q}{_SEP}(?:{_FY}{_SEP})?(?P<y>{_Y})", _quarter),
    _rule(rf"{_H}{_SEP}(?P<h>[12]){_SEP}(?:{_FY}{_SEP})?(?P<y>{_Y})", _half),
    _rule(rf"(?:{_FY}{_SEP})?(?P<y>{_Y}){_SEP}{_H}{_SEP}(?P<h>[12])", _half),
    _rule(rf"(?P<h>[12]){_ORDINAL}\s*{_H}{_SEP}(?:{_FY}{_SEP})?(?P<y>{_Y})", _half),
    _month_rule(rf"(?P<m>{_M}){_SEP}(?P<f>{_FY}{_SEP})?(?P<y>{_Y})"),
    _month_rule(rf"(?P<f>{_FY}{_SEP})?(?P<y>{_Y}){_SEP}(?P<m>{_M})\.?"),
    _rule(rf"(?:p|period|month|m){_SEP}(?P<n>\d\d?){_SEP}(?:{_FY}{_SEP})?(?P<y>{_Y})", _numbered),
    _rule(rf"(?:{_FY}{_SEP})?(?P<y>{_Y}){_SEP}(?:p|period|m)(?P<n>\d\d?)", _numbered),
    _rule(rf"(?P<fa>{_FY}\s*)?(?P<a>{_Y4}){_DASH}(?P<fb>{_FY}\s*)?(?P<b>{_Y4})", _two_years),
    _rule(rf"(?P<fa>{_FY}\s*)?(?P<a>{_Y4})\s*(?P<sep>[-/])\s*(?P<b>\d\d)", _short_range),
    _rule(rf"(?P<fa>{_FY}\s*)(?P<a>'?\d\d){_DASH}(?P<fb>{_FY}\s*)?(?P<b>'?\d\d)", _two_years),
    _rule(
        rf"(?P<m>0?[1-9]|1[0-2])[-/.](?P<y>{_Y4})",
        lambda m, _: calendar_month(int(m["y"]), int(m["m"])),
    ),
    _rule(
        rf"(?P<y>{_Y4})[-/. ]?(?P<m>0[1-9]|1[0-2])",
        lambda m, _: calendar_month(int(m["y"]), int(m["m"])),
    ),
    _rule(
        rf"(?P<y>{_Y4})\s*{_YEAR_SIGN}\s*(?P<m>1[0-2]|0?[1-9])\s*{_MONTH_SIGN}",
        lambda m, _: calendar_month(int(m["y"]), int(m["m"])),
    ),
    _rule(rf"(?P<y>{_Y4})\s*{_YEAR_SIGN}?\s*第?\s*(?P<q>[1-4])\s*{_QUARTER_SIGN}", _quarter),
    _rule(rf"{_FY}{_SEP}(?P<y>{_Y})", lambda m, start: fiscal_year(_year(m["y"]), start)),
    _rule(
        rf"(?P<y>{_Y4})(?:\.0+|\s*{_YEAR_SIGN}|\s*г\.?|\s*год|\s*рік)?",
        lambda m, start: fiscal_year(int(m["y"]), start),
    ),
    _rule(ERA_YEAR, lambda m, start: fiscal_year(year_of_era(m), start)),
)


@lru_cache(maxsize=65_536)
def resolve(text: str, fiscal_start_month: int = 1) -> Period | None:
    """The period that the whole of `text` names, or None."""
    words = plain(text)
    for pattern, build in _RULES:
        m = pattern.fullmatch(words)
        if m is not None:
            found = build(m, fiscal_start_month)
            if found is not None:
                return found
    return None


@lru_cache(maxsize=4096)
def find(text: str, fiscal_start_month: int = 1) -> tuple[Period, str] | None:
    """The first period named within `text`, and the words that remain without it."""
    words = plain(text)
    for pattern, build in _RULES:
        for m in pattern.finditer(words):
            found = build(m, fiscal_start_month)
            if found is not None:
                rest = f"{words[: m.start()]} {words[m.end() :]}"
                return found, " ".join(rest.split())
    return None


_PART = re.compile(
    rf"{_Q}\s*(?P<q>[1-4])|(?P<q2>[1-4]){_ORDINAL}\s*{_Q}|(?P<m>{_M})\.?"
    rf"|(?P<n>1[0-2]|0?[1-9])\s*{_MONTH_SIGN}|第?\s*(?P<q3>[1-4])\s*{_QUARTER_SIGN}"
)
Part = tuple[Literal["quarter", "month"], int]


@lru_cache(maxsize=4096)
def part_of_year(text: str) -> Part | None:
    """A quarter or month that names no year, such as `Q3` or `April`."""
    m = _PART.fullmatch(plain(text))
    if m is None:
        return None
    if m["m"]:
        return ("month", MONTHS[m["m"]]) if m["m"] in MONTHS else None
    if m["n"]:
        return "month", int(m["n"])
    return "quarter", int(m["q"] or m["q2"] or m["q3"])


@lru_cache(maxsize=4096)
def find_part(text: str) -> tuple[Part, str] | None:
    """A quarter or month at either end of `text`, and the words that remain without it."""
    words = plain(text).split()
    for length in (2, 1):
        if len(words) <= length:
            continue
        for piece, rest in ((words[:length], words[length:]), (words[-length:], words[:-length])):
            part = part_of_year(" ".join(piece))
            if part is not None:
                return part, " ".join(rest)
    return None


def within(year: Period, part: tuple[str, int], fiscal_start_month: int = 1) -> Period:
    """The quarter or month `part` of the fiscal year `year`."""
    number = year.ends_on.year
    if part[0] == "quarter":
        return fiscal_quarter(number, part[1], fiscal_start_month)
    return month_within(number, part[1], fiscal_start_month)
