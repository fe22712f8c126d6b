"""Long tables whose rows say themselves whether they are budgets: one kind alone adds up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bursar.importing.recognising.layouts import measure_of, revision_rank
from bursar.importing.recognising.mapping import ColumnMapping
from bursar.importing.recognising.measures import rough
from bursar.importing.recognising.totals import LABELS, PlainTotals
from bursar.importing.recognising.vocabulary import MEASURES

_KINDS = 8  # more different values than that are no kinds of amounts
_BLANK = 0.1  # of the rows; a remark here and there tells no kinds apart


@dataclass(frozen=True, slots=True)
class MixedRows:
    """A column whose values tell budgets from something else, or revisions of one budget."""

    header: str
    values: tuple[str, ...]
    index: int

    @property
    def detail(self) -> str:
        """What a person should do."""
        shown = ", ".join(map(repr, self.values[:4]))
        return (
            f"Column {self.header!r} tells rows apart that must not be added up: {shown}. Send the"
            " rows of one kind alone; if all are budgets after all, import it with force_kind."
        )


def find_mixed_rows(
    columns: Sequence[ColumnMapping], body: Sequence[Sequence[str]]
) -> MixedRows | None:
    """The first column with a few values of which some say budget and others actual, that are
    revisions of one another, or that call some rows totals which are no sums of the others.
    """
    budgets = [column.index for column in columns if column.target == "budgeted_amount"]
    for column in columns:
        if column.target in MEASURES or column.period is not None:
            continue
        found = {row[column.index].strip() for row in body if column.index < len(row)} - {""}
        if not 2 <= len(found) <= _KINDS:
            continue
        values = tuple(sorted(found))
        measures = [measure_of(value, None) for value in values]
        says = sum(measure is not None for measure in measures)
        ranks = {revision_rank(value) for value in values}
        told = says == len(values) and len(set(measures)) > 1
        revised = says + sum(map(bool, map(revision_rank, values))) >= len(values) > 1 < len(ranks)
        free = column.target not in {*LABELS, "fiscal_period", "currency"}
        if told or revised or (free and _calls_rows_totals(column.index, body, budgets)):
            return MixedRows(column.header, values, column.index)
    return None


def _calls_rows_totals(index: int, body: Sequence[Sequence[str]], budgets: Sequence[int]) -> bool:
    """Whether every row is told to be a total or something else, while the totals do not add up to
    the others: `Total` and `Partial` may then be two sorts of budgets.
    """
    cells = [row[index].strip() for row in body]
    totals = PlainTotals().rows(cells)
    if not totals or cells.count("") > _BLANK * len(cells):
        return False
    sums = {True: 0.0, False: 0.0}
    for n, row in enumerate(body):
        sums[n in totals] += sum(filter(None, (rough(row, i) for i in budgets)))
    # Subtotals and a grand total are each the whole again.
    times = round(sums[True] / sums[False]) if sums[False] else 0
    return times < 1 or abs(sums[True] - times * sums[False]) > 0.01 + 1e-4 * abs(sums[True])
