"""Years as eras count them: 令和3年度, R3, 平成30年, 民國113年, พ.ศ. 2567."""

from __future__ import annotations

import re

from bursar.months import plain

# The year before the first of each era, so that the number of the year can be added.
_BEFORE = {"令和": 2018, "平成": 1988, "昭和": 1925, "民國": 1911, "民国": 1911}
_LETTERS = {"r": 2018, "h": 1988, "s": 1925}
_BUDDHIST = 543
_SIGN = rf"(?:{'|'.join(map(plain, ('年度', '年')))})"
_THAI = "|".join(map(re.escape, map(plain, ("พ.ศ.", "ปีงบประมาณ", "ปี"))))

# Matches plain text. A letter is an era only where it stands for the whole year: `H1` is a half.
# A number alone is a Minguo year only with the sign for a fiscal year behind it.
ERA_YEAR = (
    rf"(?:(?:中華)?(?P<era>{'|'.join(_BEFORE)})\s*(?P<n>元|\d{{1,3}})\s*{_SIGN}?"
    rf"|^(?:(?P<reiwa>r)(?P<r>[1-9]|1\d)|(?P<older>[hs])(?P<o>[1-6]\d))(?:{_SIGN})?$"
    rf"|(?P<minguo>[89]\d|1[0-4]\d)\s*{plain('年度')}"
    rf"|(?:{_THAI})\s*(?P<buddhist>2[45]\d\d))"
)


_LETTER = re.compile(r"[RHSrhs]\d{1,2}", re.ASCII)


def is_letter_and_number(text: str) -> bool:
    """Whether a text such as `R3` is a year to somebody who reads Japanese, and else any code."""
    return _LETTER.fullmatch(text.strip()) is not None


def year_of_era(m: re.Match[str]) -> int:
    """The year of the common era that a match of `ERA_YEAR` names."""
    if m["era"]:
        return _BEFORE[m["era"]] + (1 if m["n"] == "元" else int(m["n"]))
    if m["reiwa"]:
        return _LETTERS["r"] + int(m["r"])
    if m["older"]:
        return _LETTERS[m["older"]] + int(m["o"])
    if m["minguo"]:
        return _BEFORE["民國"] + int(m["minguo"])
    return int(m["buddhist"]) - _BUDDHIST
