"""Rows that sum up the rows below them in a tree: loaded beside them, money would count twice.

That a row stands above others proves nothing, as a parent may have money of its own. What proves
it is arithmetic: its amount is the sum of what stands directly below it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import chain

from bursar.importing.recognising.paths import AllPaths, Path, Paths, possible_paths, says_all
from bursar.importing.recognising.sums_in_order import sums_in_order
from bursar.importing.values.evidence import Evidence
from bursar.importing.values.numbers import DecimalMark, NotANumber, is_absent, parse_number

_MOST_PATHS = 100_000  # and as many again of each level that is kept
_NEARLY_ALL = 0.9
_LARGEST_ROUNDING = Decimal("0.001")


@dataclass(frozen=True, slots=True)
class TooManyRows:
    """Rows that are sums, in a table of more rows than can be compared with their parts."""

    sample: str

    @property
    def detail(self) -> str:
        """What a person should do."""
        return (
            f"Rows such as {self.sample!r} are the sums of rows below them, and the table has too"
            f" many rows to find all of those: more than {_MOST_PATHS:,}. Send it in parts, or"
            " without the rows that are sums."
        )


@dataclass(frozen=True, slots=True)
class Parents:
    """Rows above others whose amounts are sums: where nearly all are, which is `certain`, every row
    above others, else the proven ones. `rows` counts them; `differing` are paths with another sum.
    """

    tree: Paths
    paths: frozenset[Path]
    rows: int
    certain: bool
    differing: int
    sample: str
    unseen: bool = False
    """Whether there may be more of them than could be looked at."""

    @property
    def refusal(self) -> TooManyRows | None:
        """Why the table is not read, where sums might be loaded beside their parts."""
        likely = len(self.paths) >= self.differing  # rows that are not seen make others differ
        return TooManyRows(self.sample) if self.unseen and likely else None

    @property
    def detail(self) -> str:
        """What a person should know."""
        if not self.certain:
            others = f", while {self.differing} like them have another one" * bool(self.differing)
            return (
                f"{self.rows} rows, such as {self.sample!r}, have the sum of the rows of their"
                f" parts as their amount{others}. Say whether the rows that are sums are to be left"
                " out, or loaded beside their parts."
            )
        but = f" {self.differing} of them differ from the sum." if self.differing else ""
        return (
            f"{self.rows} rows, such as {self.sample!r}, are left out, as their amounts are the"
            f" sums of the rows of their parts.{but}"
        )


@dataclass(slots=True)
class Tree:
    """What the rows seen so far add up to, by their path."""

    paths: Paths
    marks: Mapping[int, DecimalMark]
    sums: dict[Path, Decimal] = field(default_factory=dict)
    counts: dict[Path, int] = field(default_factory=dict)
    samples: dict[Path, str] = field(default_factory=dict)
    bare: dict[Path, int] = field(default_factory=dict)
    """Rows whose amount is blank or cannot be read."""
    unseen: bool = False

    def look(self, row: Sequence[str]) -> None:
        """Take one row into account."""
        self.add(row, _amount(row, self.marks))

    def add(self, row: Sequence[str], amount: Decimal | None) -> None:
        """Take one row into account that adds up to `amount`."""
        path = self.paths.path(row)
        if path is None:
            return
        if amount is None:
            if len(self.bare) < _MOST_PATHS:
                self.bare[path] = self.bare.get(path, 0) + 1
            return
        if path not in self.sums and len(self.sums) >= _MOST_PATHS:
            path = self._room_for(path)
        if path is None:
            return
        if path not in self.samples:
            texts = (cell.strip() for i, cell in enumerate(row) if i not in self.marks)
            self.samples[path] = " ".join(text for text in texts if text)[:60]
        self.sums[path] = self.sums.get(path, Decimal(0)) + amount
        self.counts[path] = self.counts.get(path, 0) + 1

    def _room_for(self, path: Path) -> Path | None:
        """Where a path counts that is one too many: below what stands above it, which then still
        adds up; None where that is not kept either.
        """
        kept = self.paths.kept
        if len(path) <= kept and self._has_room(len(path)):
            return path
        self.unseen = self.unseen or len(path) != kept + 1
        for level in range(min(kept, len(path) - 1), 0, -1):
            if path[:level] in self.sums or self._has_room(level):
                return (*path[:level], "…")
        return None

    def _has_room(self, level: int) -> bool:
        return len(self.sums) < _MOST_PATHS * (2 + self.paths.kept - level)

    def parents(self) -> Parents | None:
        """The rows above others, where the amounts of some are proven to be sums."""
        below: dict[Path, list[Decimal]] = {}
        for path, amount in self.sums.items():
            shorter = (path[:n] for n in range(len(path) - 1, 0, -1))
            above = next((p for p in shorter if p in self.sums), None)
            if above is not None:
                below.setdefault(above, []).append(amount)
        checked = {path: parts for path, parts in below.items() if self.sums[path] or any(parts)}
        proven = {p for p, parts in checked.items() if _adds_up(self.sums[p], parts)}
        # One part that is as large as the whole may be so by chance.
        several = sum(sum(map(bool, checked[path])) > 1 for path in proven)
        if not proven or (not several and len(proven) * 2 <= len(checked)):
            return None
        certain = several >= self.paths.needed and len(proven) >= _NEARLY_ALL * len(checked)
        first = self.samples[next(path for path in self.sums if path in proven)]
        paths = frozenset(below) | self._bare_parents() if certain else frozenset(proven)
        return Parents(
            self.paths,
            paths,
            sum(self.counts.get(path, 0) + self.bare.get(path, 0) for path in paths),
            certain,
            len(checked) - len(proven),
            first,
            self.unseen,
        )

    def _bare_parents(self) -> frozenset[Path]:
        """Rows above others that tell no amount: where all such rows are sums, they are too."""
        if not self.bare:
            return frozenset()
        above = {path[:n] for path in self.sums for n in range(1, len(path))}
        return frozenset(above.intersection(self.bare))


def find_tree(
    body: Sequence[Sequence[str]], width: int, budgets: Sequence[int], amounts: Sequence[int],
    labels: Sequence[int], department: int | None = None,
) -> Tree | None:  # fmt: skip
    """The way in which the first rows are a tree with sums in it, empty, for a pass over all rows.

    `budgets` are the columns of budgets, `amounts` all that hold numbers to add up.
    """
    if not budgets:
        return None
    marks = {}
    for i in budgets:
        evidence = Evidence()
        evidence.look([row[i] for row in body if i < len(row)])
        mark = evidence.decide()
        # Whether all numbers like 1.000 are ones or thousands does not matter to a sum.
        marks[i] = DecimalMark.POINT if mark is DecimalMark.AMBIGUOUS else mark
    sums = [_amount(row, marks) for row in body]
    ways: Iterable[Paths] = possible_paths(body, width, amounts, labels, department)
    for paths in chain(ways, filter(None, [sums_in_order(body, sums)])):
        tree = Tree(paths, marks)
        for row, amount in zip(body, sums, strict=True):
            tree.add(row, amount)
        if tree.parents() is not None:
            return Tree(paths.afresh(), marks)
    return None


def tree_of_all(
    rows: Sequence[Sequence[str]],
    others: Sequence[int],
    marks: Mapping[int, DecimalMark],
    department: int | None,
) -> Tree | None:
    """An empty tree of everything, where one of the rows says that it is of all; `others` are the
    columns that hold no amounts.
    """
    if not marks or not any(
        i < len(row) and says_all(row[i].strip()) for row in rows for i in others
    ):
        return None
    return Tree(AllPaths([i for i in others if i != department], department), marks)


def _amount(row: Sequence[str], marks: Mapping[int, DecimalMark]) -> Decimal | None:
    """What the row adds up to across its budget columns; None where it has no amount."""
    total, found = Decimal(0), False
    for i, mark in marks.items():
        cell = row[i] if i < len(row) else ""
        if is_absent(cell):
            continue
        try:
            total += Decimal(parse_number(cell, mark))
        except NotANumber:
            continue
        found = True
    return total if found else None


def _adds_up(whole: Decimal, parts: Sequence[Decimal]) -> bool:
    """Whether the parts are the whole, up to each part's rounding."""
    off = abs(whole - sum(parts))
    return off == 0 or (off <= len(parts) and off <= _LARGEST_ROUNDING * abs(whole))
