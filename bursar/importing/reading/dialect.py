"""Which delimiter a text table uses: the one under which the rows agree with each other."""

from __future__ import annotations

import csv
import math
import re
from collections import Counter
from dataclasses import dataclass

DELIMITERS = (",", ";", "\t", "|", "^", "~")
_HINT = re.compile(r"sep=(.)\s*", re.IGNORECASE)
_TIDY = re.compile(
    r"[-+(]*[$€£¥]?\s*\d[\d.,'\s]*%?\)?-?|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}.{0,12}|", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How to split a line. `hinted` when the first line is Excel's own `sep=;`."""

    delimiter: str
    double_quote: bool = True
    hinted: bool = False


def detect_dialect(sample: str) -> Dialect:
    """Choose by the first rows of the file; a single column is a comma table."""
    hint = _HINT.match(sample)
    double_quote = not ('\\"' in sample and '""' not in sample)
    if hint and hint[1] != "\n":
        return Dialect(hint[1], double_quote, hinted=True)
    best, best_score = ",", 0.0
    for delimiter in DELIMITERS:
        if delimiter not in sample:
            continue
        score = _agreement(sample, delimiter)
        if score > best_score * 1.02:
            best, best_score = delimiter, score
    return Dialect(best, double_quote)


def _agreement(sample: str, delimiter: str) -> float:
    """How many rows share one width, times how tidy the cells are, times a little for width."""
    lines = sample.splitlines(keepends=True)
    try:
        rows = [row for row in csv.reader(lines, delimiter=delimiter) if any(row)]
    except csv.Error:
        return 0.0
    if not rows:
        return 0.0
    widths = Counter(len(row) for row in rows)
    width, agreeing = max(widths.items(), key=lambda item: (item[1] * (item[0] > 1), item[0]))
    if width < 2:
        return 0.0
    cells = [cell for row in rows if len(row) == width for cell in row]
    others = [d for d in (";", "\t", "|") if d != delimiter]
    tidy = sum(
        1.0 if _TIDY.fullmatch(cell) else 0.2 if any(d in cell for d in others) else 0.85
        for cell in map(str.strip, cells)
    )
    # Agreement is squared: a stray comma in prose agrees with itself now and then.
    return (agreeing / len(rows)) ** 2 * (tidy / len(cells)) * (1 + 0.1 * math.log(width))
