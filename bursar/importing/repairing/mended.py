"""Mended rows: the file of rejected rows, fixed and sent back, read as the rows they were."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

from bursar.errors import Fault, MendedFileDiffers
from bursar.importing.cleaning.rows import BudgetRow, RejectedRow
from bursar.importing.reading import open_source
from bursar.importing.recognising.analysis import Analysis
from bursar.importing.recognising.mapping import ColumnMapping
from bursar.importing.repairing.rejected import added_headers, inert

_HEAD = 20  # rows among which the header is looked for


def mended_analysis(path: Path, file_name: str, original: Analysis) -> Analysis:
    """How the mended file is read: as the file that it came from, wherever its header stands.

    Raises MendedFileDiffers when its columns are not those of the rejected rows.
    """
    source = open_source(path, file_name)
    sheet = source.sheets[0] if source.sheets else None
    expected = [inert(header).strip() for header in original.headers]
    expected.append(added_headers(original.headers)[0])
    for number, row in enumerate(islice(source.rows(sheet), _HEAD)):
        if [cell.strip() for cell in row[: len(expected)]] == expected:
            return replace(
                _with_added_columns(original),
                file_name=file_name,
                sheets=source.sheets,
                sheet=sheet,
                header_row=number,
            )
    raise MendedFileDiffers(
        f"{file_name} does not have the columns of the rejected rows: "
        + ", ".join(name or "(blank)" for name in expected)
        + ". Mend the downloaded file itself, and leave its columns as they are."
    )


def _with_added_columns(original: Analysis) -> Analysis:
    width = len(original.headers)
    added = added_headers(original.headers)
    columns = tuple(
        ColumnMapping(width + i, name, None, 1.0, "Added when the row was rejected.", ())
        for i, name in enumerate(added)
    )
    return replace(
        original, headers=(*original.headers, *added), columns=(*original.columns, *columns)
    )


def row_numbers(path: Path, analysis: Analysis, expected: Collection[int]) -> dict[int, int]:
    """Row of the mended file → the row it was in the original.

    `expected` are the rows that wait to be mended. Raises MendedFileDiffers with a fault a row for
    numbers that are missing, twice there, or not among them.
    """
    column = len(analysis.headers) - 2
    name = analysis.headers[column]
    source = open_source(path, analysis.file_name)
    numbers: dict[int, int] = {}
    seen: set[int] = set()
    faults: list[Fault] = []
    first = analysis.header_row + 1
    for number, row in enumerate(islice(source.rows(analysis.sheet), first, None), first + 1):
        if not any(cell.strip() for cell in row):
            continue
        text = row[column].strip() if len(row) > column else ""
        was = _whole(text)
        if was is None:
            detail = f"Row {number} has {text!r} for the number that it had in the first file."
            faults.append(Fault(f"/{number}/{name}", "row_unknown", detail))
        elif was in seen:
            detail = f"Row {was} of the first file stands here twice."
            faults.append(Fault(f"/{number}/{name}", "row_twice", detail))
        elif was not in expected:
            detail = f"Row {was} of the first file does not wait to be mended."
            faults.append(Fault(f"/{number}/{name}", "row_not_waiting", detail))
        else:
            seen.add(was)
            numbers[number] = was
    if faults:
        more = f" and {len(faults) - 1:,} more" if len(faults) > 1 else ""
        raise MendedFileDiffers(f"{faults[0].detail}{more}".rstrip("."), faults=faults[:100])
    return numbers


def _whole(text: str) -> int | None:
    plain = text.removesuffix(".0")
    return int(plain) if plain.isascii() and plain.isdigit() and len(plain) < 10 else None


def renumbered(
    rows: Iterator[BudgetRow | RejectedRow], numbers: dict[int, int], width: int
) -> Iterator[BudgetRow | RejectedRow]:
    """The rows as they stood in the original file: its numbers, and its `width` columns."""
    for row in rows:
        if isinstance(row, RejectedRow):
            cells = (*row.cells[:width], *row.cells[width + 2 :])
            yield row._replace(row=numbers[row.row], cells=cells)
        else:
            yield row._replace(row=numbers[row.row])
