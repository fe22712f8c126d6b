"""What one sheet means, from its first rows: header, columns, kind, and what stands outside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bursar.fiscal import Period, part_of_year, resolve
from bursar.importing.reading import Source
from bursar.importing.recognising.carried import is_carried_down
from bursar.importing.recognising.constants import (
    Constant,
    find_currency,
    find_department,
    find_period,
)
from bursar.importing.recognising.headers import Header, find_header, squared
from bursar.importing.recognising.kinds import Detection, recognise
from bursar.importing.recognising.layouts import latest_revision
from bursar.importing.recognising.mapping import ColumnMapping, propose
from bursar.importing.recognising.matching import match_name
from bursar.importing.recognising.profile import Profile, profile_column
from bursar.importing.recognising.scanning import Scan
from bursar.importing.recognising.scoring import Table
from bursar.importing.recognising.sections import Sections, find_sections
from bursar.importing.recognising.short_years import ShortYears, short_years, written_out
from bursar.importing.recognising.totals import LABELS, TotalLabels
from bursar.importing.recognising.vocabulary import MEASURES, REQUIRED, vocabulary
from bursar.importing.recognising.words import normalise


@dataclass(frozen=True)
class Options:
    """What the caller knows beyond the file."""

    header_row: int | None
    keywords: Mapping[str, Sequence[str]] | None
    start: int


@dataclass(frozen=True)
class Understanding:
    """One sheet as its first rows show it; `period` is what title, sheet or file name say."""

    header: Header
    columns: tuple[ColumnMapping, ...]
    layout: str
    detection: Detection
    period: Constant | None
    body: list[list[str]]
    sections: Sections | None
    carried: int | None
    """The column whose blanks mean the department above."""
    years: Mapping[int, ShortYears]
    """How columns write years that only the whole column tells."""
    table: Table


def understand(
    source: Source,
    sheet: str | None,
    head: list[list[str]],
    options: Options,
) -> Understanding:
    """Find header and columns among the first rows, and say what kind of file it is."""
    start = options.start
    header = find_header(head, options.header_row)
    width = len(header.names)
    body = squared(head[header.row + 1 :], width)
    sums = TotalLabels()
    kept = [row for row in body if not any(sums[cell] for cell in row[:3])] or body
    years = _short_years(header, kept)
    profiles = tuple(_profile([row[i] for row in kept], years.get(i)) for i in range(width))
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
    sections = _sections(proposal.columns, kept) if not find_department(header.titles) else None
    carried = _carried(proposal.columns, kept) if sections is None else None
    return Understanding(
        header,
        proposal.columns,
        proposal.layout,
        detection,
        period,
        kept,
        sections,
        carried,
        years,
        table,
    )


def _short_years(header: Header, body: list[list[str]]) -> dict[int, ShortYears]:
    found = {i: short_years(name, [row[i] for row in body]) for i, name in enumerate(header.names)}
    return {i: way for i, way in found.items() if way is not None}


def _profile(cells: list[str], way: ShortYears | None) -> Profile:
    """What a column looks like; years that its cells write short are taken as years."""
    profile = profile_column(cells)
    if way is None:
        return profile
    full = [written_out(cell.strip(), way) or cell for cell in cells]
    return replace(profile_column(full), samples=profile.samples)


def _carried(columns: Sequence[ColumnMapping], body: list[list[str]]) -> int | None:
    """The department's column, where it is filled on the first line of each group only."""
    department = next((c.index for c in columns if c.target == "department"), None)
    amounts = [c.index for c in columns if c.target in MEASURES]
    labels = [c.index for c in columns if c.target in LABELS and c.target != "department"]
    if department is None or not is_carried_down(body, department, amounts, labels):
        return None
    return department


def _sections(columns: Sequence[ColumnMapping], body: list[list[str]]) -> Sections | None:
    amounts = [c.index for c in columns if c.target in MEASURES]
    department = next((c.index for c in columns if c.target == "department"), None)
    return find_sections(body, amounts, department) if amounts else None


def find_constants(found: Understanding, scan: Scan, amounts: Sequence[int]) -> dict[str, Constant]:
    """What holds for every row and stands in no column."""
    mapped = {c.target for c in found.columns if c.target}
    constants: dict[str, Constant] = {}
    needs_year = "fiscal_period" not in mapped or lacks_years(found.columns)
    if found.period and needs_year and found.layout != "wide" and not _own_periods(found):
        constants["fiscal_period"] = found.period
    across = {c.period for c in found.columns if c.period and c.target == "budgeted_amount"}
    if found.layout != "wide" and len(across) == 1:
        constants["fiscal_period"] = Constant(next(iter(across)), "header")
    if "department" not in mapped:
        department = find_department(found.header.titles)
        if department:
            constants["department"] = department
        elif found.sections:
            shown = ", ".join(found.sections.names[:3])
            more = ", …" if len(found.sections.names) > 3 else ""
            constants["department"] = Constant(f"{shown}{more}", "section")
    if "currency" not in mapped:
        headers = [found.header.names[i] for i in amounts]
        currency = find_currency(found.header.titles, headers, sorted(scan.signs(amounts)))
        if currency:
            constants["currency"] = currency
    return constants


def _own_periods(found: Understanding) -> ColumnMapping | None:
    """A column that calls itself the period and varies, though its values are not understood: its
    rows must not all get the one period of a title or file name.
    """
    for column in found.columns:
        match = match_name(column.header).get("fiscal_period")
        if column.target is None and match is not None and match.score >= 0.8:
            values = {row[column.index].strip() for row in found.body if column.index < len(row)}
            if len(values - {""}) > 1:
                return column
    return None


def lacks_years(columns: Sequence[ColumnMapping]) -> bool:
    """Whether the period column holds bare months or quarters, whose year stands elsewhere."""
    samples = [s for c in columns if c.target == "fiscal_period" for s in c.samples]
    return bool(samples) and all(part_of_year(s) and not resolve(s) for s in samples)


def missing_fields(found: Understanding, constants: Mapping[str, Constant]) -> tuple[str, ...]:
    """Required fields that neither a column nor a constant gives."""
    mapped = {c.target for c in found.columns if c.target and c.samples}
    if lacks_years(found.columns):
        mapped.discard("fiscal_period")
    mapped |= set(constants)
    budgets = [c for c in found.columns if c.target == "budgeted_amount" and c.period]
    if found.layout == "wide" and all(resolve(str(c.period)) for c in budgets):
        mapped.add("fiscal_period")
    return tuple(field for field in REQUIRED if field not in mapped)


def warnings_of(scan: Scan, missing: Sequence[str], found: Understanding) -> list[str]:
    """What a person should know before importing, in sentences."""
    warnings = [f"No column gives {field}; choose one or give a default." for field in missing]
    own = _own_periods(found)
    if own is not None and "fiscal_period" in missing:
        warnings.append(
            f"Column {own.header!r} seems to be the period, but its values, such as"
            f" {own.samples[0] if own.samples else ''!r}, are not understood."
        )
    if scan.totals:
        warnings.append(
            f"{scan.totals} rows of totals are left out, as they repeat other rows."
            if scan.totals > 1
            else "One row of totals is left out, as it repeats other rows."
        )
    if scan.blank:
        warnings.append(
            f"{scan.blank} blank rows are left out."
            if scan.blank > 1
            else "One blank row is left out."
        )
    if found.sections:
        warnings.append(
            f"Rows of their own, such as {found.sections.names[0]!r}, name the department of the"
            " rows below them."
        )
    if found.carried is not None:
        name = found.header.names[found.carried]
        warnings.append(
            f"Column {name!r} is filled on the first line of each group only; the lines below it"
            " belong to the same one."
        )
    warnings += _revisions(found.columns)
    unresolved = [c.period for c in found.columns if c.period and resolve(c.period) is None]
    if unresolved:
        named = ", ".join(str(p) for p in unresolved[:3])
        warnings.append(f"The periods of some columns cannot be told: {named}.")
    return warnings


def _revisions(columns: Sequence[ColumnMapping]) -> list[str]:
    """Which of several columns of one period counts."""
    groups: dict[tuple[str, str | None], list[ColumnMapping]] = {}
    for column in columns:
        if column.target in MEASURES:
            groups.setdefault((column.target, column.period), []).append(column)
    return [
        f"{' and '.join(repr(c.header) for c in group)} are of one period; the last revision"
        f" counts, {group[latest_revision([c.header for c in group])].header!r}."
        for group in groups.values()
        if len(group) > 1
    ]


def thousands_mark(headers: Sequence[str]) -> str:
    """The mark that the headers' language groups thousands with; empty when it is unclear.

    English headers prove little, as English names are used everywhere.
    """
    known = vocabulary().languages
    names = {normalise(h) for h in headers}
    foreign = {
        code
        for code in ("de", "es", "it", "nl", "pt", "da", "tr", "id")
        if any(n in known.get(code, ()) and n not in known["en"] for n in names)
    }
    return "." if foreign else ""
