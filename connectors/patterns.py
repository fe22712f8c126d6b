"""Which files of a source are wanted, by name."""

from __future__ import annotations

import re
from fnmatch import translate

# What is half-written, hidden or somebody's lock, by the names that programs give it.
_UNFINISHED = re.compile(
    r"^(\.|~\$)|(\.(part|partial|tmp|temp|filepart|crdownload|uploading|swp|lock)|~)$",
    re.IGNORECASE,
)


def matcher(pattern: str) -> re.Pattern[str]:
    """Shell patterns, several separated by commas, matched without regard to case; empty: all."""
    parts = [translate(part.strip()) for part in pattern.split(",") if part.strip()] or [".*"]
    return re.compile("|".join(parts), re.IGNORECASE)


def wanted(name: str, pattern: re.Pattern[str]) -> bool:
    """Whether a file is one of the source's budgets rather than something being written."""
    return pattern.fullmatch(name) is not None and _UNFINISHED.search(name) is None
