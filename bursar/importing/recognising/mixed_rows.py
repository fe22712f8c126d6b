"""Long tables whose rows say themselves whether they are budgets: one kind alone adds up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bursar.importing.recognising.layouts import measure_of, revision_rank
from bursar.importing.recognising.mapping import ColumnMapping
from bursar.importing.recognising.vocabulary import MEASURES

_KINDS = 8  # more different values than that are no kinds of amounts


@dataclass(frozen=True, slots=True)
class MixedRows:
    """A column whose values tell budgets from something else, or revisions of one budget."""

    header: str
    values: tuple[str, ...]

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
    """The first column with a few values of which some say budget and others actual, or that are
    revisions of one another.
    """
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
        if told or revised:
            return MixedRows(column.header, values)
    return None
