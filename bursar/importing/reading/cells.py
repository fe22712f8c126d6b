"""Cells as text that remembers what the file said of them."""

from __future__ import annotations

import re

_FAILED = re.compile(
    r"#(?:REF|VALUE|DIV/0|NAME|NUM|NULL|N/A|SPILL|CALC|ERROR|GETTING_DATA)[!?]?|=[A-Za-z@$(+\-\d].*",
    re.IGNORECASE | re.DOTALL,
)
# Characters that nobody sees and that make two equal names differ: zero-width space, word joiner,
# byte order mark, soft hyphen. Joiners shape letters, so they only go at the ends.
_UNSEEN = dict.fromkeys((0x200B, 0x2060, 0xFEFF, 0x00AD))
_JOINERS = "\u200c\u200d\u200e\u200f"


class Numeric(str):
    """Text of a cell that the workbook itself stores as a number: `.` is its decimal mark."""

    __slots__ = ()


def visible(cell: str) -> str:
    """The text without the characters that nobody sees."""
    return cell if cell.isascii() else cell.translate(_UNSEEN).strip(_JOINERS)


def is_failed_formula(text: str) -> bool:
    """Whether the text is an error such as #REF!, or a formula itself instead of its result."""
    return text[:1] in ("#", "=") and _FAILED.fullmatch(text) is not None
