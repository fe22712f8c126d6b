"""Going on with an import: rows that it rejected come back mended, as another attempt at it.

An attempt is a run of its own that names the import it continues, so what each run did stays as it
was; the import as a whole is its first run and all attempts together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from bursar import files
from bursar.errors import InvalidImportState, MendedFileDiffers
from bursar.importing.choices.confirming import header_fingerprint, with_template
from bursar.importing.cleaning.rows import BudgetRow, RejectedRow
from bursar.importing.recognising.analysis import Analysis
from bursar.importing.repairing.departments import with_departments
from bursar.importing.repairing.mended import mended_analysis, renumbered, row_numbers
from bursar.importing.repairing.rejected import added_headers
from bursar.importing.runs import DONE, Wish, cancel, get_run, wish_of
from bursar.importing.stored import analyze_stored, clean_stored
from schema.tables import ImportRow, ImportRun, StoredFile, Tenant

Rows = Iterator[BudgetRow | RejectedRow]


@dataclass(frozen=True, slots=True)
class Attempts:
    """An import as a whole: its first run and the attempts to load what was rejected, in order."""

    first: ImportRun
    later: tuple[ImportRun, ...]

    @property
    def applied(self) -> list[ImportRun]:
        """The runs that loaded their rows."""
        return [run for run in (self.first, *self.later) if run.state in DONE]

    @property
    def newest(self) -> ImportRun:
        """The run that tells how things stand."""
        return self.later[-1] if self.later else self.first

    @property
    def rejecting(self) -> list[ImportRun]:
        """The runs among whose rejected rows those lie that still wait.

        Once a run has loaded rows, every later attempt brings only rows that were rejected; until
        then each attempt reads everything anew, and the last one tells all.
        """
        read = [run for run in (self.first, *self.later) if run.total_rows]
        return self.applied or read[-1:]


def attempts_of(session: Session, run: ImportRun) -> Attempts:
    """The import that `run` belongs to, whichever of its runs it is."""
    first = run if run.continues_id is None else get_run(session, run.continues_id)
    later = session.execute(
        select(ImportRun)
        .where(ImportRun.continues_id == first.id)
        .order_by(ImportRun.created_at, ImportRun.id)
    ).scalars()
    return Attempts(first, tuple(later))


_ROWS = select(ImportRow).from_statement(
    text("select * from import_waiting_rows(:tenant, :rejecting, :applied, :row, :part, :limit)")
)
_NUMBERS = text(
    "select row_no from import_waiting_rows(:tenant, :rejecting, :applied, null, null, null)"
)
_COUNT = text(
    "select count(*) from import_waiting_rows(:tenant, :rejecting, :applied, null, null, null)"
)


def waiting_rows(
    session: Session, attempts: Attempts, *, after: int | None = None, limit: int | None = None
) -> Iterator[ImportRow]:
    """The rejected rows that no attempt has loaded, as the last attempt at each saw them.

    They stream. `after` is row × 1000 + part of the last row seen; one more than `limit` where
    there are more.
    """
    found = session.execute(
        _ROWS, _names(attempts, after, limit), execution_options={"yield_per": 1_000}
    )
    yield from found.scalars()


def waiting_numbers(session: Session, attempts: Attempts) -> set[int]:
    """The numbers of the rows that wait."""
    return set(session.execute(_NUMBERS, _names(attempts)).scalars())


def count_waiting(session: Session, attempts: Attempts) -> int:
    """How many rejected rows still wait to be mended."""
    count: int = session.execute(_COUNT, _names(attempts)).scalar_one()
    return count


def _names(
    attempts: Attempts, after: int | None = None, limit: int | None = None
) -> dict[str, object]:
    return {
        "tenant": attempts.first.tenant_id,
        "rejecting": [run.id for run in attempts.rejecting],
        "applied": [run.id for run in attempts.applied],
        "row": None if after is None else after // 1000,
        "part": None if after is None else after % 1000,
        "limit": None if limit is None else limit + 1,
    }


def request_mending(
    session: Session,
    import_id: UUID,
    file_id: UUID,
    actor: str,
    *,
    allow_below_used: bool = False,
) -> ImportRun:
    """Record another attempt at an import, with a file of its rejected rows that were mended.

    A file that was imported before stands for its first import. Raises NotFound,
    InvalidImportState when no rows wait or another attempt is under way.
    """
    named = get_run(session, import_id, lock=True)
    if named.duplicate_of is not None:
        named = get_run(session, named.duplicate_of, lock=True)
    first = named if named.continues_id is None else get_run(session, named.continues_id, lock=True)
    attempts = attempts_of(session, first)
    newest = attempts.newest
    if newest.state not in (*DONE, "failed", "cancelled", "planned") or first.state == "undone":
        raise InvalidImportState(f"The import is {newest.state}; wait for it to end.")
    if not count_waiting(session, attempts):
        raise InvalidImportState("No rejected rows of this import wait to be mended.")
    # The attempt takes the place of what was only planned.
    if newest.state == "planned" and cancel(session, newest.id).state != "cancelled":
        raise InvalidImportState("The import is being applied; wait for it to end.")
    run = ImportRun(
        tenant_id=first.tenant_id,
        file_id=files.get_file(session, file_id).id,
        continues_id=first.id,
        mode=first.mode,
        apply=first.apply,
        force_kind=True,
        sheet=first.sheet,
        header_row=first.header_row,
        defaults=first.defaults,
        answers=(first.analysis or {}).get("answers", first.answers),
        allow_below_used=first.allow_below_used or allow_below_used,
        source_type=first.source_type,
        created_by=actor,
    )
    session.add(run)
    session.flush()
    return run


def attempted_rows(session: Session, tenant: Tenant, run: ImportRun) -> tuple[Analysis, Rows]:
    """What an attempt brings: its mended rows, and where nothing was loaded before, all others.

    Raises MendedFileDiffers, and what reading raises.
    """
    attempts = attempts_of(session, run)
    original = _original(session, tenant, attempts.first)
    before = [a for a in attempts.later if a.created_at < run.created_at and a.total_rows]
    earlier = Attempts(attempts.first, tuple(before))
    expected = waiting_numbers(session, earlier)
    first = attempts.first
    stored = files.get_file(session, first.file_id)
    sources = [_mended(session, tenant, run, original, expected, stored)]
    if not earlier.applied:
        sources += [
            _mended(session, tenant, attempt, original, None, stored)
            for attempt in reversed(before)
        ]
        rows = clean_stored(stored, tenant, original, settled_wish(first))
        sources.append((None, rows))
    return original, _latest(sources)


def add_to_earlier(session: Session, run: ImportRun) -> None:
    """Let the planned rows of an attempt add to the budgets that rows before them went into."""
    applied = [str(a.id) for a in attempts_of(session, run).applied]
    if applied:
        session.execute(
            text("select import_add_to_earlier(:tenant, :import, cast(:applied as uuid[]))"),
            {"tenant": run.tenant_id, "import": run.id, "applied": applied},
        )


def require_waiting(session: Session, run: ImportRun) -> None:
    """Refuse to apply a run whose rows an attempt has loaded meanwhile.

    Locks the import as a whole. Raises InvalidImportState.
    """
    if run.continues_id is None:
        if attempts_of(session, run).applied:
            raise InvalidImportState("Mended rows of this import have been loaded meanwhile.")
        return
    if get_run(session, run.continues_id, lock=True).state == "undone":
        raise InvalidImportState("The import has been undone meanwhile.")
    applied = [a.id for a in attempts_of(session, run).applied]
    rows = list(
        session.execute(
            text("select row_no from import_loaded_rows(:tenant, :import, :applied, 20)"),
            {"tenant": run.tenant_id, "import": run.id, "applied": applied},
        ).scalars()
    )
    if rows:
        raise InvalidImportState(
            f"Rows {', '.join(map(str, rows))} were loaded by another attempt meanwhile."
        )


def refuse_rejected_rows(session: Session, headers: Sequence[str]) -> None:
    """Refuse a file of rejected rows as an import of its own: it would set each budget to these
    rows alone, without those that were loaded before. Raises MendedFileDiffers.
    """
    own = headers[:-2]
    if len(headers) < 3 or tuple(headers[-2:]) != added_headers(own):
        return
    found = session.execute(
        select(ImportRun.id)
        .where(ImportRun.header_fingerprint == header_fingerprint(own), ImportRun.rejected_rows > 0)
        .order_by(ImportRun.created_at.desc())
        .limit(1)
    ).scalar_one_or_none()
    if found is not None:
        raise MendedFileDiffers(
            f"These are rows that an import rejected, such as {found}. Send them back into that"
            " import; or, if this file stands for itself, import it with force_kind."
        )


def _original(session: Session, tenant: Tenant, first: ImportRun) -> Analysis:
    """The first file as its import read it, whatever templates say by now."""
    stored = files.get_file(session, first.file_id)
    analysis = analyze_stored(stored, tenant, sheet=first.sheet, header_row=first.header_row)
    read = first.analysis or {}
    targets = [column["target"] for column in read["columns"]]
    constants = {field: constant["value"] for field, constant in read["constants"].items()}
    return with_template(analysis, targets, constants, "in this import", tenant.fiscal_start_month)


def settled_wish(run: ImportRun) -> Wish:
    """What was asked of a run, with what a template answered when it was read."""
    answers = (run.analysis or {}).get("answers", run.answers)
    return replace(wish_of(run), mapping=None, answers=answers)


def _mended(
    session: Session,
    tenant: Tenant,
    run: ImportRun,
    original: Analysis,
    expected: set[int] | None,
    first: StoredFile,
) -> tuple[set[int] | None, Rows]:
    stored = files.get_file(session, run.file_id)
    path = files.open_path(stored)
    analysis = mended_analysis(path, stored.name, original)
    numbers = row_numbers(path, analysis, expected if expected is not None else range(10**9))
    analysis = with_departments(analysis, numbers, files.open_path(first), original)
    rows = clean_stored(stored, tenant, analysis, settled_wish(run))
    return set(numbers.values()), renumbered(rows, numbers, len(original.headers))


def _latest(sources: list[tuple[set[int] | None, Rows]]) -> Rows:
    """Each row from the last attempt that has it; the sources come newest first."""
    seen: set[int] = set()
    for numbers, rows in sources:
        for row in rows:
            if row.row not in seen:
                yield row
        if numbers:
            seen |= numbers
