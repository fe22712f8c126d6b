"""What a change of a mapping or of keywords would do to the files that came last."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby, islice
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bursar import files
from bursar.errors import BursarError
from bursar.importing.choices.templates import Content, answers_for, apply_template, content_of
from bursar.importing.cleaning.clean import BudgetRow, RejectedRow
from bursar.importing.runs import Wish
from bursar.importing.stored import analyze_stored, clean_stored
from schema.tables import ImportRun, MappingTemplate, StoredFile, Tenant

LAST_FILES = 12
ROWS = 20_000
_SHOWN = 5

Cleaned = BudgetRow | RejectedRow


@dataclass(frozen=True, slots=True)
class FileChange:
    """How one file would be read otherwise: rows compared, rows that differ, some of them."""

    file_id: str
    file_name: str
    rows: int
    changed_rows: int
    examples: list[dict[str, Any]]
    detail: str | None = None

    def to_wire(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "file_id": self.file_id,
            "file_name": self.file_name,
            "rows": self.rows,
            "changed_rows": self.changed_rows,
            "examples": self.examples,
            "detail": self.detail,
        }


def replay_template(
    session: Session, tenant: Tenant, template: MappingTemplate, content: Content
) -> dict[str, Any]:
    """Read the last files of the template's shape as it is and as `content` says; what differs.

    At most LAST_FILES files and ROWS rows of each; `limited` says whether a file had more.
    """
    changes, limited = [], False
    for run, stored in _last_imports(session, template):
        change, cut = _compare(tenant, template, content, run, stored)
        changes.append(change)
        limited = limited or cut
    return summary(changes, limited)


def summary(changes: list[FileChange], limited: bool) -> dict[str, Any]:
    """Counts of files and rows that differ, and the files that do."""
    return {
        "files": len(changes),
        "changed_files": sum(change.changed_rows > 0 for change in changes),
        "changed_rows": sum(change.changed_rows for change in changes),
        "limited": limited,
        "changes": [change.to_wire() for change in changes if change.changed_rows],
    }


def _last_imports(
    session: Session, template: MappingTemplate
) -> list[tuple[ImportRun, StoredFile]]:
    """The newest import of each of the last files of this shape."""
    rows = session.execute(
        select(ImportRun, StoredFile)
        .join(
            StoredFile,
            (StoredFile.tenant_id == ImportRun.tenant_id) & (StoredFile.id == ImportRun.file_id),
        )
        .where(
            ImportRun.header_fingerprint == template.fingerprint,
            ImportRun.continues_id.is_(None),
        )
        .order_by(ImportRun.created_at.desc())
        .limit(4 * LAST_FILES)
    ).all()
    newest: dict[bytes, tuple[ImportRun, StoredFile]] = {}
    for run, stored in rows:
        newest.setdefault(stored.sha256, (run, stored))
    return list(newest.values())[:LAST_FILES]


def _compare(
    tenant: Tenant, template: MappingTemplate, content: Content, run: ImportRun, stored: StoredFile
) -> tuple[FileChange, bool]:
    def read(said: Content) -> Iterator[Cleaned]:
        analysis = analyze_stored(stored, tenant, sheet=run.sheet, header_row=run.header_row)
        remembered = answers_for(analysis, template.headers, said)
        analysis = apply_template(analysis, template, said, tenant.fiscal_start_month)
        wish = Wish(defaults=run.defaults, answers={**remembered, **run.answers})
        return clean_stored(stored, tenant, analysis, wish)

    return _differences(str(stored.id), stored.name, lambda: read(content_of(template)),
                        lambda: read(content))  # fmt: skip


def _differences(
    file_id: str,
    file_name: str,
    before: Callable[[], Iterator[Cleaned]],
    after: Callable[[], Iterator[Cleaned]],
) -> tuple[FileChange, bool]:
    try:
        new: Iterable[Cleaned] = after()
    except BursarError as refusal:
        return FileChange(
            file_id, file_name, 0, 1, [], f"No longer imports: {refusal.detail}"
        ), False
    try:
        old: Iterable[Cleaned] = before()
    except BursarError:
        old = ()
    left, right = _by_row(old), _by_row(new)
    examples: list[dict[str, Any]] = []
    changed = 0
    for row in sorted(left.keys() | right.keys()):
        if left.get(row) != right.get(row):
            changed += 1
            if len(examples) < _SHOWN:
                examples.append({"row": row, "before": left.get(row), "after": right.get(row)})
    cut = len(left) == ROWS or len(right) == ROWS
    return FileChange(file_id, file_name, len(right), changed, examples), cut


def _by_row(rows: Iterable[Cleaned]) -> dict[int, list[dict[str, Any]]]:
    grouped = groupby(rows, key=lambda row: row.row)
    return {number: [_wire(row) for row in group] for number, group in islice(grouped, ROWS)}


def _wire(row: Cleaned) -> dict[str, Any]:
    if isinstance(row, RejectedRow):
        return {"errors": [error.detail for error in row.errors]}
    return {k: v for k, v in row._asdict().items() if v is not None and k != "row"}


def replay_keywords(
    session: Session, tenant: Tenant, keywords: dict[str, list[str]]
) -> dict[str, Any]:
    """Recognise the last files with the tenant's keywords and with new ones; labels that differ."""
    stored_files = session.execute(
        select(StoredFile).order_by(StoredFile.created_at.desc()).limit(4 * LAST_FILES)
    ).scalars()
    newest: dict[bytes, StoredFile] = {}
    for stored in stored_files:
        newest.setdefault(stored.sha256, stored)
    changes = []
    for stored in list(newest.values())[:LAST_FILES]:
        before, after = _label(stored, tenant, None), _label(stored, tenant, keywords)
        examples = [] if before == after else [{"before": before, "after": after}]
        changes.append(FileChange(str(stored.id), stored.name, 1, len(examples), examples))
    return summary(changes, limited=False)


def _label(stored: StoredFile, tenant: Tenant, keywords: dict[str, list[str]] | None) -> str | None:
    path = files.open_path(stored)
    if not path.exists():
        return None
    try:
        return analyze_stored(stored, tenant, keywords=keywords).detection.kind
    except BursarError as refusal:
        return refusal.code
