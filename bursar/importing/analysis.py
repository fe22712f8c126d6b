"""Everything found out about a file before anything is loaded: the answer of the analyze call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from bursar.errors import EmptyFile, InvalidInput
from bursar.fiscal import Period, resolve
from bursar.importing.constants import (
    Constant,
    find_currency,
    find_department,
    find_period,
    find_unit,
)
from bursar.importing.headers import Header, find_header, is_blank
from bursar.importing.mapping import ColumnMapping, Table, propose
from bursar.importing.numbers import DecimalMark
from bursar.importing.profile import profile_column
from bursar.importing.reading import Source, open_source
from bursar.importing.recognising import Detection, recognise
from bursar.importing.scanning import Scan, scan_rows
from bursar.importing.totals import TotalLabels
from bursar.importing.vocabulary import MEASURES, REQUIRED, vocabulary

_HEAD = 1200  # rows that header, profiles and mapping are judged by
_SHOWN = 10


@dataclass(frozen=True)
class Analysis:
    """One sheet of one file, understood. `header_row` counts raw rows from 0.

    `total_rows` are the rows below the header that are neither blank nor totals; `unit` is 1, or
    what the title says that amounts are counted in; `marks` says how each amount column writes
    decimals.
    """

    file_name: str
    sheets: tuple[str, ...]
    sheet: str | None
    header_row: int
    headers: tuple[str, ...]
    sample_rows: tuple[tuple[str, ...], ...]
    total_rows: int
    layout: str
    columns: tuple[ColumnMapping, ...]
    detection: Detection
    missing_required: tuple[str, ...]
    can_proceed: bool
    constants: Mapping[str, Constant]
    unit: int = 1
    marks: Mapping[int, DecimalMark] | None = None

    def to_wire(self) -> dict[str, object]:
        """JSON-ready, in the shape of the API; ids are the caller's to add."""
        return {
            "file_name": self.file_name,
            "sheets": list(self.sheets),
            "sheet": self.sheet,
            "header_row": self.header_row,
            "headers": list(self.headers),
            "sample_rows": [list(row) for row in self.sample_rows],
            "total_rows": self.total_rows,
            "layout": self.layout,
            "columns": [column.to_wire() for column in self.columns],
            "detection": self.detection.to_wire(),
            "missing_required": list(self.missing_required),
            "can_proceed": self.can_proceed,
            "constants": {
                field: {"value": constant.value, "origin": constant.origin}
                for field, constant in self.constants.items()
            },
            "unit": self.unit,
        }


def analyze(
    path: Path,
    file_name: str,
    *,
    sheet: str | None = None,
    header_row: int | None = None,
    keywords: Mapping[str, Sequence[str]] | None = None,
    fiscal_start_month: int = 1,
) -> Analysis:
    """Read the file once and propose what everything in it means.

    Raises UnreadableFile, EmptyFile, FileLimitExceeded, SheetNotFound, InvalidInput.
    """
    source = open_source(path, file_name)
    options = _Options(header_row, keywords, fiscal_start_month)
    if sheet is None and len(source.sheets) > 1:
        sheet = _best_sheet(source, options)
    elif sheet is None and source.sheets:
        sheet = source.sheets[0]
    return _analyze_sheet(source, sheet, options)


def _best_sheet(source: Source, options: _Options) -> str:
    """The sheet that most looks like a budget table; the first one that is a table at all wins
    ties.
    """
    options = _Options(None, options.keywords, options.start)
    best, best_score = source.sheets[0], -1.0
    for i, name in enumerate(source.sheets[:40]):
        head = list(islice(source.rows(name), 200))
        if sum(not is_blank(row) for row in head) < 2:
            continue
        understood = _understand(source, name, head, options)
        mapped = {c.target for c in understood.columns if c.target}
        score = (
            2 * understood.detection.budget_confidence
            + 0.5 * len(mapped & set(REQUIRED))
            + min(1.0, len(head) / 30)
            - 0.01 * i
        )
        if score > best_score:
            best, best_score = name, score
    return best


@dataclass(frozen=True)
class _Options:
    """What the caller knows beyond the file."""

    header_row: int | None
    keywords: Mapping[str, Sequence[str]] | None
    start: int


@dataclass(frozen=True)
class _Understanding:
    header: Header
    columns: tuple[ColumnMapping, ...]
    layout: str
    detection: Detection
    period: Constant | None
    body: list[list[str]]


def _understand(
    source: Source,
    sheet: str | None,
    head: list[list[str]],
    options: _Options,
) -> _Understanding:
    start = options.start
    header = find_header(head, options.header_row)
    width = len(header.names)
    body = [
        [*row[:width], *[""] * (width - len(row))]
        for row in head[header.row + 1 :]
        if not is_blank(row)
    ]
    sums = TotalLabels()
    kept = [row for row in body if not any(sums[cell] for cell in row[:3])] or body
    profiles = tuple(profile_column([row[i] for row in kept]) for i in range(width))
    outside = find_period(header.titles, sheet, source.file_name, start)
    year: Period | None = outside[0] if outside and outside[0].kind == "year" else None
    context = " ".join([*header.titles[:10], sheet or "", Path(source.file_name).stem])
    table = Table(header, profiles, kept, context)
    proposal = propose(table, year, start)
    detection = recognise(
        header,
        profiles,
        proposal,
        sheet=sheet,
        file_name=source.file_name,
        has_period=outside is not None and outside[0].kind != "month",
        keywords=options.keywords,
    )
    period = Constant(outside[0].code, outside[1]) if outside else None
    return _Understanding(header, proposal.columns, proposal.layout, detection, period, kept)


def _analyze_sheet(source: Source, sheet: str | None, options: _Options) -> Analysis:
    header_row = options.header_row
    rows = source.rows(sheet)
    head = list(islice(rows, _HEAD + (header_row or 0)))
    place = f"Sheet {sheet!r} of {source.file_name}" if sheet else source.file_name
    if all(is_blank(row) for row in head):
        raise EmptyFile(f"{place} has no rows. Export it again and check that it holds a table.")
    if header_row is not None and header_row >= len(head):
        raise InvalidInput(f"{place} has no row {header_row}; rows count from 0.")
    found = _understand(source, sheet, head, options)
    amounts = [c.index for c in found.columns if c.target in MEASURES]
    labels = [
        c.index for c in found.columns if c.target in ("department", "sub_category", "program")
    ]
    scan = scan_rows(head[found.header.row + 1 :], rows, amounts, labels or [0])
    constants = _constants(found, scan, amounts)
    missing = _missing(found, constants)
    unit = find_unit([*found.header.titles, *(found.header.names[i] for i in amounts)])
    warnings = [*found.detection.warnings, *_warnings(scan, missing, found, unit)]
    detection = Detection(
        found.detection.kind,
        found.detection.confidence,
        found.detection.budget_confidence,
        tuple(warnings),
        found.detection.reasons,
    )
    return Analysis(
        file_name=source.file_name,
        sheets=source.sheets,
        sheet=sheet,
        header_row=found.header.row,
        headers=found.header.names,
        sample_rows=tuple(tuple(str(cell) for cell in row) for row in found.body[:_SHOWN]),
        total_rows=scan.rows,
        layout=found.layout,
        columns=found.columns,
        detection=detection,
        missing_required=missing,
        can_proceed=not missing and detection.kind == "budget",
        constants=constants,
        unit=unit,
        marks={i: scan.mark(i, thousands_mark(found.header.names)) for i in amounts},
    )


def _constants(found: _Understanding, scan: Scan, amounts: Sequence[int]) -> dict[str, Constant]:
    mapped = {c.target for c in found.columns if c.target}
    constants: dict[str, Constant] = {}
    if found.period and "fiscal_period" not in mapped and found.layout != "wide":
        constants["fiscal_period"] = found.period
    across = {c.period for c in found.columns if c.period and c.target == "budgeted_amount"}
    if found.layout != "wide" and len(across) == 1:
        constants["fiscal_period"] = Constant(next(iter(across)), "header")
    if "department" not in mapped:
        department = find_department(found.header.titles)
        if department:
            constants["department"] = department
    if "currency" not in mapped:
        headers = [found.header.names[i] for i in amounts]
        currency = find_currency(found.header.titles, headers, sorted(scan.signs(amounts)))
        if currency:
            constants["currency"] = currency
    return constants


def _missing(found: _Understanding, constants: Mapping[str, Constant]) -> tuple[str, ...]:
    mapped = {c.target for c in found.columns if c.target} | set(constants)
    budgets = [c for c in found.columns if c.target == "budgeted_amount" and c.period]
    if found.layout == "wide" and all(resolve(str(c.period)) for c in budgets):
        mapped.add("fiscal_period")
    return tuple(field for field in REQUIRED if field not in mapped)


def _warnings(scan: Scan, missing: Sequence[str], found: _Understanding, unit: int) -> list[str]:
    warnings = [f"No column gives {field}; choose one or give a default." for field in missing]
    if scan.totals:
        warnings.append(f"{scan.totals} rows of totals are left out, as they repeat other rows.")
    if scan.blank:
        warnings.append(f"{scan.blank} blank rows are left out.")
    if unit > 1:
        warnings.append(f"Amounts seem to be counted in units of {unit:,}.")
    for i, evidence in scan.evidence.items():
        mark = evidence.decide(thousands=thousands_mark(found.header.names))
        if mark is DecimalMark.AMBIGUOUS:
            warnings.append(
                f"Column {found.header.names[i]!r} writes only numbers like 1.000; say whether "
                "that is one or one thousand."
            )
    unresolved = [c.period for c in found.columns if c.period and c.confidence < 0.6]
    if unresolved:
        named = ", ".join(str(p) for p in unresolved[:3])
        warnings.append(f"The periods of some columns cannot be told: {named}.")
    return warnings


def thousands_mark(headers: Sequence[str]) -> str:
    """The mark that the headers' language groups thousands with; empty when it is unclear.

    English headers prove little, as English names are used everywhere.
    """
    from bursar.importing.words import normalise

    known = vocabulary().languages
    names = {normalise(h) for h in headers}
    foreign = {
        code
        for code in ("de", "es", "it", "nl", "pt", "da", "tr", "id")
        if any(n in known.get(code, ()) and n not in known["en"] for n in names)
    }
    return "." if foreign else ""
