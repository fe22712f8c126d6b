"""Where the header stands: below title rows, above the data, sometimes under a row of groups."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bursar.fiscal import find, part_of_year, resolve
from bursar.importing.recognising.header_rows import (
    all_numbers,
    goes_on,
    is_footnote,
    joined,
    mostly_numbers,
)
from bursar.importing.recognising.vocabulary import phrases_in, vocabulary
from bursar.importing.recognising.words import normalise
from bursar.importing.values.numbers import looks_numeric

SEARCHED = 40
_BODY = 20


@dataclass(frozen=True, slots=True)
class Header:
    """`row` counts raw rows from 0; -1 where the table has no header at all. `names` are unique;
    `groups` are what a row above says of each column; `titles` are the texts above the header.
    """

    row: int
    names: tuple[str, ...]
    groups: tuple[str, ...]
    titles: tuple[str, ...]
    score: float


def is_blank(row: Sequence[str]) -> bool:
    """No cell of the row shows anything."""
    return not any(cell and not cell.isspace() for cell in row)


def squared(rows: Sequence[Sequence[str]], width: int) -> list[list[str]]:
    """The rows that are not blank, each of `width` cells."""
    return [[*row[:width], *[""] * (width - len(row))] for row in rows if not is_blank(row)]


def find_header(rows: Sequence[Sequence[str]], wanted: int | None = None) -> Header:
    """Find the header among the first rows, or take row `wanted` as told; -1 says there is none."""
    widths = [_used_width(row) for row in rows]
    if wanted == -1 or (wanted is None and _has_no_header(rows, widths)):
        width = max(_common_widths(widths), default=max(widths, default=0))
        return Header(-1, _names([], [""] * width, width), ("",) * width, (), 0.0)
    if wanted is not None:
        best = wanted
        score = 1.0
    else:
        scores = [
            _header_score(rows, widths, i) if widths[i] else -1.0
            for i in range(min(len(rows), SEARCHED))
        ]
        best = max(range(len(scores)), key=lambda i: (round(scores[i], 6), -i), default=0)
        best = _lower_header(rows, scores, best)
        score = scores[best] if scores else 0.0
        best += goes_on(rows, best)
    row: Sequence[str] = rows[best] if best < len(rows) else []
    first = best - (wanted != 0 and goes_on(rows, best - 1))
    if first < best:
        row = joined(rows[first], row)
    width = max([_used_width(row), *_common_widths(widths[best + 1 :])], default=0)
    groups, group_rows = _groups(rows, first, width)
    titles = [
        cell.strip()
        for i, above in enumerate(rows[:first])
        if i not in group_rows
        for cell in above
        if cell.strip()
    ]
    return Header(best, _names(row, groups, width), tuple(groups), tuple(titles[:40]), score)


def _has_no_header(rows: Sequence[Sequence[str]], widths: Sequence[int]) -> bool:
    """Whether the first row is a row like all others: numbers where they have numbers."""
    body = [rows[i] for i in range(1, len(rows)) if widths[i]][:_BODY]
    if len(body) < 2 or not widths[0]:
        return False
    if any(map(is_known_word, rows[0])) and not _recurs(rows[0], body):
        return False
    numbers = []
    for i, cell in enumerate(rows[0]):
        column = [row[i].strip() for row in body if i < len(row) and row[i].strip()]
        if sum(map(looks_numeric, column)) < 0.7 * len(column) or not column:
            continue
        periods = sum(resolve(value) is not None for value in column)
        period = resolve(cell.strip()) is not None and not cell.strip().endswith("00")
        if not looks_numeric(cell.strip()) or (period and periods < len(column) / 2):
            return False
        numbers.append(cell.strip())
    counted = [str(n) for n in range(1, len(numbers) + 1)]  # columns that are merely numbered
    return bool(numbers) and (len(numbers) == 1 or numbers != counted)


def _recurs(row: Sequence[str], body: Sequence[Sequence[str]]) -> bool:
    """Whether some of its words stand further down in their column too, as data does. A header that
    is repeated on another page recurs as a whole.
    """
    words = [(i, cell.strip()) for i, cell in enumerate(row) if any(c.isalpha() for c in cell)]
    again = sum(any(i < len(r) and r[i].strip() == word for r in body) for i, word in words)
    return again > 0 and not (again == len(words) and any(list(r) == list(row) for r in body))


def _lower_header(rows: Sequence[Sequence[str]], scores: Sequence[float], best: int) -> int:
    """Of two header rows the lower one names the columns, when it names more of them."""
    if best + 1 >= len(scores):
        return best
    upper, lower = rows[best], rows[best + 1]
    names = sum(map(_label_like, lower))
    pure = names == sum(bool(cell.strip()) for cell in lower)
    if pure and names > sum(map(_label_like, upper)) and scores[best + 1] >= 0.8 * scores[best]:
        return best + 1
    return best


def _used_width(row: Sequence[str]) -> int:
    return max((i + 1 for i, cell in enumerate(row) if cell and not cell.isspace()), default=0)


def _common_widths(widths: Sequence[int]) -> list[int]:
    """Widths that a third of the rows share, so that stray cells make no column."""
    filled = [width for width in widths if width]
    counts = Counter(filled)
    return [width for width, n in counts.items() if n > 1 and n * 3 >= len(filled)]


def _label_like(cell: str) -> bool:
    """A cell that could be a column's name: words, or a period such as 2024 or Q1."""
    if not cell or cell.isspace() or len(cell) > 120:
        return False
    if looks_numeric(cell.strip()):
        return resolve(cell.strip()) is not None
    return any(c.isalpha() for c in cell)


def is_known_word(cell: str) -> bool:
    """Whether a header cell names a field or hints at a kind of file."""
    if len(cell) > 60:
        return False
    words = vocabulary()
    return any(
        (phrase in words.fields or phrase in words.kinds.get("strong", {})) and share >= 0.5
        for phrase, share in phrases_in(cell)
    )


def _header_score(rows: Sequence[Sequence[str]], widths: Sequence[int], at: int) -> float:
    """How much row `at` looks like the names of the columns below it."""
    row = rows[at]
    filled = [cell.strip() for cell in row if cell and not cell.isspace()]
    body = [rows[i] for i in range(at + 1, len(rows)) if widths[i]][:_BODY]
    if not body:
        return -1.0
    body_width = sorted(_used_width(r) for r in body)[len(body) // 2]
    labels = sum(_label_like(cell) for cell in filled)
    coverage = min(1.0, labels / max(1, body_width))
    purity = labels / len(filled)
    unique = len({cell.lower() for cell in filled}) / len(filled)
    known = sum(is_known_word(cell) for cell in filled) / len(filled)
    columns = contrast = 0
    for i, cell in enumerate(row):
        if not _label_like(cell):
            continue
        name = cell.strip()
        values = [r[i].strip() for r in body if i < len(r) and r[i].strip() and r != row]
        if not values:
            continue
        columns += 1
        named = not looks_numeric(name) or resolve(name) is not None
        # Another table may follow soon: the first rows alone may show the contrast too.
        if named and name not in values and (mostly_numbers(values) or all_numbers(values[:3])):
            contrast += 1
    short = sum(len(cell) <= 40 for cell in filled) / len(filled)
    return (
        3.0 * coverage * purity
        + 0.5 * unique
        + 1.2 * known
        + 1.5 * (contrast / columns if columns else 0.0)
        + 0.3 * short
        - 0.04 * at
        - (1.5 if len(filled) == 1 and body_width > 2 else 0.0)
        - (2.0 if is_footnote(rows, at, len(body)) else 0.0)
    )


def _groups(rows: Sequence[Sequence[str]], at: int, width: int) -> tuple[list[str], frozenset[int]]:
    """What the rows directly above say of each column, spread over the blanks to its right.

    A title stands alone at the left; groups stand over several columns, so they begin further
    right, name periods, or sit over repeated names.
    """
    names = [normalise(cell) for cell in rows[at][:width]] if at < len(rows) else []
    repeated = len([n for n in names if n]) > len({n for n in names if n})
    groups = [""] * width
    used = set()
    for i in range(at - 1, max(-1, at - 4), -1):
        row = rows[i]
        places = [k for k, cell in enumerate(row[:width]) if cell.strip()]
        if not places or (len(places) == 1 and places[0] == 0):
            break
        inside = [k for k in places if k > 0]
        periods = sum(find(row[k]) is not None or bool(part_of_year(row[k])) for k in inside)
        if not (periods or (repeated and inside)):
            break
        used.add(i)
        current = ""
        for k in range(places[0], width):
            current = row[k].strip() if k < len(row) and row[k].strip() else current
            groups[k] = f"{current} {groups[k]}".strip()
    return groups, frozenset(used)


def _names(row: Sequence[str], groups: Sequence[str], width: int) -> tuple[str, ...]:
    """Unique names; a repeated name takes its group in front, then a number behind."""
    plain = [" ".join(row[i].split()) if i < len(row) else "" for i in range(width)]
    plain = [name or f"Column {column_letters(i)}" for i, name in enumerate(plain)]
    counts = Counter(plain)
    full = [
        f"{groups[i]} {name}" if counts[name] > 1 and groups[i] else name
        for i, name in enumerate(plain)
    ]
    seen: Counter[str] = Counter()
    taken, names = set(full), []
    for name in full:
        seen[name] += 1
        unique, n = name, seen[name]
        while n > 1 and unique in taken:
            unique = f"{name} #{n}"
            n += 1
        taken.add(unique)
        names.append(unique)
    return tuple(names)


def is_nameless(name: str) -> bool:
    """Whether a column was named by its place, as the file gives it no name."""
    return name.startswith("Column ") and name[7:].isupper()


def column_letters(index: int) -> str:
    """0 is A, 26 is AA, as spreadsheets name their columns."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
