"""Whether a planned import of a source may be applied without a person looking at it first."""

from __future__ import annotations

import statistics
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from bursar.errors import SourceDrifted
from bursar.importing.runs import DONE, get_run
from bursar.jobs.lease import Lease
from schema.tables import ImportRun, Source, SourceFile

LAST = 5  # good files that a new one is measured against
FEWEST = 3  # before there are so many, nothing is usual yet
UNUSUAL = 2  # times as many rows, or as few


def may_apply(lease: Lease, import_id: UUID) -> bool:
    """False leaves the import planned, with the reason on it, for a person to apply.

    Imports that no source brought always may. Raises SourceDrifted under the policy `freeze`.
    """
    with lease.transaction() as session:
        file = session.execute(
            select(SourceFile).where(
                SourceFile.import_id == import_id,
                SourceFile.state.in_(("importing", "failed")),  # failed: tried again by a person
            )
        ).scalar_one_or_none()
        if file is None:
            return True
        source = session.get_one(Source, (file.tenant_id, file.source_id))
        run = get_run(session, import_id, lock=True)
        earlier = _earlier(session, source)
        reason = _drift(source, earlier, run) or _unusual(earlier, run)
        if reason is not None:
            run.apply, run.error = False, reason
            session.flush()
            lease.hold(session)
        return reason is None


def _earlier(session: Session, source: Source) -> list[ImportRun]:
    """The last good imports of this source, newest first."""
    query = (
        select(ImportRun)
        .join(
            SourceFile,
            (SourceFile.tenant_id == ImportRun.tenant_id) & (SourceFile.import_id == ImportRun.id),
        )
        .where(
            SourceFile.source_id == source.id,
            ImportRun.state.in_(DONE),
            ImportRun.duplicate_of.is_(None),
        )
        .order_by(ImportRun.completed_at.desc())
        .limit(LAST)
    )
    return list(session.execute(query).scalars())


def _drift(source: Source, earlier: list[ImportRun], run: ImportRun) -> dict[str, Any] | None:
    """What changed in the headers since the last good file, where the policy minds."""
    if not earlier or source.drift_policy == "evolve":
        return None
    before, after = _columns(earlier[0]), _columns(run)
    if earlier[0].header_fingerprint == run.header_fingerprint or before == after:
        return None
    gone = [name for name in before if name not in after]
    new = [name for name in after if name not in before]
    if not gone and not new:
        return None
    # The same meaning under another name is the likeliest story of a column that went away.
    instead = {
        old: name for old in gone for name in new if before[old] and before[old] == after[name]
    }
    words = "; ".join(
        filter(None, [
            f"gone: {', '.join(gone)}" if gone else "",
            f"new: {', '.join(new)}" if new else "",
            *(f"{name} looks like {old}" for old, name in instead.items()),
        ])
    )  # fmt: skip
    detail = f"The columns are not those of the last good file: {words}."
    if source.drift_policy == "freeze":
        raise SourceDrifted(detail, extra={"suggested": instead})
    return {"code": SourceDrifted.code, "detail": detail, "suggested": instead}


def _columns(run: ImportRun) -> dict[str, str | None]:
    """Header → what it was taken for."""
    found = (run.analysis or {}).get("columns", ())
    return {" ".join(column["header"].split()).casefold(): column["target"] for column in found}


def _unusual(earlier: list[ImportRun], run: ImportRun) -> dict[str, Any] | None:
    """Whether rows or money are far from what this source usually brings."""
    if len(earlier) < FEWEST:
        return None
    usual = statistics.median(one.total_rows for one in earlier)
    if not usual / UNUSUAL <= run.total_rows <= usual * UNUSUAL:
        return {
            "code": "unusual_rows",
            "detail": f"{run.total_rows:,} rows, where this source usually brings {usual:,.0f}.",
        }
    for currency, sums in sorted(run.amounts.items()):
        amounts = [_after(one, currency) for one in earlier]
        now, often = _after(run, currency), statistics.median(amounts)
        if often > 0 and not often / UNUSUAL <= now <= often * UNUSUAL:
            return {
                "code": "unusual_amount",
                "detail": f"The budgets add up to {sums['after']} {currency}, where this source"
                f" usually brings {often} {currency}.",
            }
    return None


def _after(run: ImportRun, currency: str) -> Decimal:
    return Decimal(run.amounts.get(currency, {}).get("after", "0"))
