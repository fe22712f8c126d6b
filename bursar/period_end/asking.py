"""Asking for a period to be closed for good: the job that does it, at most one at a time."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from sqlalchemy.orm import Session

from bursar.errors import PeriodClosed, PeriodEndRunning
from bursar.jobs import rows as jobs
from bursar.jobs.rows import Bell
from bursar.period_end.closing import following
from bursar.period_end.fiscal_periods import get_period

KIND = "periods.close"


def ask_to_close(
    session: Session, tenant_id: UUID, code: str, *, rollover: str, rollover_cap: Decimal | None,
    next_code: str | None, reason: str, dry_run: bool, actor: str, request_id: str | None,
) -> Bell:  # fmt: skip
    """Queue the job that closes a period, or with `dry_run` says what would go along.

    Ring its bell after the commit. Raises NotFound, PeriodClosed, InvalidInput, PeriodEndRunning.
    """
    period = get_period(session, code)
    if period.state == "closed":
        raise PeriodClosed(f"{period.code} is closed for good.")
    asked = {
        "period": period.code,
        "next": following(session, tenant_id, period, next_code),
        "rollover": rollover,
        "rollover_cap": None if rollover_cap is None else str(rollover_cap),
        "reason": reason,
        "dry_run": dry_run,
    }
    bell = jobs.enqueue_once(
        session, tenant_id, KIND, asked,
        actor=actor, dedup_key=f"{KIND}:{period.code}" + (".dry" if dry_run else ""),
        request_id=request_id,
    )  # fmt: skip
    if bell is None:
        raise PeriodEndRunning
    return bell
