"""Rows that are sums, in the columns of amounts that a person chose instead of those recognised."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from bursar.importing.reading import Source
from bursar.importing.recognising.headers import squared
from bursar.importing.recognising.parents import Parents, find_tree
from bursar.importing.recognising.scanning import HEAD, scan_rows
from bursar.importing.recognising.totals import TotalLabels


def find_parents(
    source: Source,
    sheet: str | None,
    first: int,
    width: int,
    budgets: Sequence[int],
    amounts: Sequence[int],
    labels: Sequence[int],
    department: int | None,
) -> Parents | None:
    """The rows that are sums of others, from row `first` of the sheet on, by their columns."""
    rows = islice(source.rows(sheet), first, None)
    head = list(islice(rows, HEAD))
    sums = TotalLabels()
    body = [row for row in squared(head, width) if not any(sums[cell] for cell in row[:3])]
    tree = find_tree(body, width, budgets, amounts, labels, department)
    if tree is None:
        return None
    others = [i for i in range(width) if i not in {*amounts, *labels}]
    scan_rows(head, rows, [], labels or [0], (), tree, others)
    return tree.parents()
