"""Whether dates such as 03/04/2025 put the day or the month first, decided on the whole column."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

_NUMERIC = re.compile(r"\s*(\d{1,2})([/\-])(\d{1,2})\2(\d{4}|\d{2})(?:[ T]\d.*)?\s*", re.ASCII)


class DateOrder(StrEnum):
    """Which comes first in a date of numbers."""

    DAY_FIRST = "day_first"
    MONTH_FIRST = "month_first"


@dataclass(slots=True)
class DateEvidence:
    """What the cells of one column have shown. Fill it with `look`, then `decide`."""

    day_first: int = 0
    month_first: int = 0
    either: int = 0

    def look(self, cells: Iterable[str]) -> None:
        """Take some cells of the column into account."""
        for cell in set(cells):
            found = _NUMERIC.fullmatch(cell)
            if found is None or found[1] == found[3]:
                continue
            first, second = int(found[1]), int(found[3])
            if first > 12 >= second:
                self.day_first += 1
            elif second > 12 >= first:
                self.month_first += 1
            elif max(first, second) <= 12:
                self.either += 1

    def decide(self) -> DateOrder | None:
        """The order that some cells prove and none contradicts."""
        if self.day_first and not self.month_first:
            return DateOrder.DAY_FIRST
        if self.month_first and not self.day_first:
            return DateOrder.MONTH_FIRST
        return None

    def is_open(self) -> bool:
        """Whether cells could be read either way and nothing in the column tells."""
        return self.either > 0 and self.decide() is None


@lru_cache(maxsize=4096)
def in_order(text: str, order: DateOrder) -> str:
    """A date of numbers as ISO text; anything else, and dates that contradict, unchanged."""
    found = _NUMERIC.fullmatch(text)
    if found is None:
        return text
    first, second, year = int(found[1]), int(found[3]), int(found[4])
    day, month = (first, second) if order is DateOrder.DAY_FIRST else (second, first)
    if year < 100:
        year += 2000 if year < 80 else 1900
    return f"{year:04d}-{month:02d}-{day:02d}" if month <= 12 else text
