"""Departments that rows have from the rows above them, for rows that are taken out of their table.

A rejected row comes back among other rejected rows; what stands above it there says nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path

from bursar.importing.cleaning.columns import TextColumn
from bursar.importing.reading import open_source
from bursar.importing.recognising.analysis import Analysis
from bursar.importing.recognising.carried import FilledDown
from bursar.importing.recognising.scanning import chunks
from bursar.importing.recognising.sections import CarriedDown
from bursar.importing.recognising.totals import LABELS
from bursar.importing.values.refused import Value


def with_departments(
    analysis: Analysis, numbers: Mapping[int, int], path: Path, original: Analysis
) -> Analysis:
    """How mended rows are read, `numbers` by their rows in the original file at `path`: each in the
    department that it had there, unless it names one.
    """
    above = _departments_above(path, original, set(numbers.values()))
    if above is None:
        return analysis
    departments = {row: above[was] for row, was in numbers.items() if was in above}
    return replace(analysis, departments=departments, section_column=None, carried_column=None)


def _departments_above(
    path: Path, original: Analysis, wanted: Collection[int]
) -> dict[int, str] | None:
    """By row of the original file; None where its rows name their departments themselves."""
    texts = {c.target: c.index for c in original.columns if c.target in LABELS}
    column = texts.get("department")
    filler: CarriedDown | FilledDown
    if original.section_column is not None and column in (None, original.section_column):
        filler = CarriedDown(original.section_column)
    elif original.carried_column is not None and column == original.carried_column:
        labels = [i for target, i in texts.items() if target != "department"]
        filler = FilledDown(original.carried_column, labels)
    else:
        return None
    names = TextColumn("department")
    rows = open_source(path, original.file_name).rows(original.sheet)
    first = original.header_row + 1
    found: dict[int, str] = {}
    number = first + 1
    for chunk in chunks(islice(rows, first, max(wanted, default=0))):
        own: list[Value] = [
            names[row[column]] if column is not None and column < len(row) else None
            for row in chunk
        ]
        for name in filler.fill(chunk, own):
            if number in wanted and isinstance(name, str):
                found[number] = name
            number += 1
    return found
