"""One pass over all rows: how many there are, and how each amount column writes numbers."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice, zip_longest

from bursar.importing.recognising.parents import Tree
from bursar.importing.recognising.totals import PlainTotals, TotalLabels
from bursar.importing.values.dates import DateEvidence
from bursar.importing.values.evidence import Evidence
from bursar.importing.values.numbers import DecimalMark
from bursar.importing.values.signs import may_mean

CHUNK = 4096
HEAD = 1200  # rows that header, profiles and mapping are judged by
_NOTES = 30


@dataclass(slots=True)
class Scan:
    """Counts of data, blank and totals rows, and evidence by column."""

    rows: int = 0
    blank: int = 0
    totals: int = 0
    evidence: dict[int, Evidence] = field(default_factory=dict)
    dates: dict[int, DateEvidence] = field(default_factory=dict)
    last: list[list[str]] = field(default_factory=list)
    """The last rows, where notes of a table stand."""

    def mark(self, index: int, thousands: str = "", *, whole: bool = True) -> DecimalMark:
        """The decimal mark of a column; one without evidence follows columns that have some.

        `whole` says that no amounts of the file are counted in thousands or millions.
        """
        own = self.evidence[index].decide(thousands=thousands, whole=whole)
        if own is not DecimalMark.AMBIGUOUS:
            return own
        others = {e.decide(whole=whole) for e in self.evidence.values()}
        decided = others & {DecimalMark.POINT, DecimalMark.COMMA}
        if len(decided) == 1 and DecimalMark.MIXED not in others:
            return decided.pop()
        return own

    def show(self, symbols: Mapping[int, Collection[str]]) -> None:
        """Take what the file shows beside numbers for signs, where it means a currency."""
        for i, evidence in self.evidence.items():
            evidence.signs.update(filter(may_mean, symbols.get(i, ())))

    def signs(self, indexes: Sequence[int]) -> set[str]:
        """Currency signs and codes seen beside the numbers."""
        return {sign for i in indexes for sign in self.evidence[i].signs}

    def unclear_credits(self) -> frozenset[int]:
        """The columns of which most cells are marked CR."""
        return frozenset(i for i, seen in self.evidence.items() if not seen.credits_are_plain)


def chunks(rows: Iterator[list[str]], size: int = CHUNK) -> Iterator[list[list[str]]]:
    """Lists of at most `size` rows."""
    while chunk := list(islice(rows, size)):
        yield chunk


def scan_rows(
    head: Iterable[list[str]],
    rest: Iterator[list[str]],
    amounts: Sequence[int],
    labels: Sequence[int],
    periods: Sequence[int] = (),
    tree: Tree | None = None,
    others: Sequence[int] = (),
) -> Scan:
    """Count and look at every row. `labels` are the columns where totals would say so, `periods`
    those that may hold dates, `others` those of other texts; `tree` is shown every row that is no
    total.
    """
    sums, plain = TotalLabels(), PlainTotals()
    scan = Scan(
        evidence={i: Evidence() for i in amounts}, dates={i: DateEvidence() for i in periods}
    )
    for chunk in chunks(chain(head, rest)):
        full = [row for row in chunk if any(row)]
        scan.blank += len(chunk) - len(full)
        scan.rows += len(full)
        scan.last = [*scan.last, *full][-_NOTES:]
        columns = list(zip_longest(*full, fillvalue=""))
        found = _totals(columns, labels, sums) | _plain_totals(columns, others, plain)
        scan.totals += len(found)
        scan.rows -= len(found)
        for i, evidence in scan.evidence.items():
            evidence.look(_column(columns, i))
        for i, seen in scan.dates.items():
            seen.look(_column(columns, i))
        if tree is not None:
            for n, row in enumerate(full):
                if n not in found:
                    tree.look(row)
    return scan


_Columns = Sequence[Sequence[str]]


def _column(columns: _Columns, index: int) -> Sequence[str]:
    """The cells of a column; none where every row of the chunk ends before it."""
    return columns[index] if index < len(columns) else ()


def _totals(columns: _Columns, labels: Sequence[int], sums: TotalLabels) -> set[int]:
    found: set[int] = set()
    for i in labels:
        flags = list(map(sums.__getitem__, _column(columns, i)))
        if True in flags:
            found |= {n for n, flag in enumerate(flags) if flag}
    return found


def _plain_totals(columns: _Columns, others: Sequence[int], plain: PlainTotals) -> set[int]:
    found: set[int] = set()
    for i in others:
        found |= plain.rows(_column(columns, i))
    return found
