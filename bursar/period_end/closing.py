"""Closing a fiscal period: no new use at first, then budget by budget for good, with what goes on.

A budget of the period carries on in the budget that stands in its place in the next: the same
department, sub-category, currency and dimensions. Where there is none and something goes along, it
is made, with nothing of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from bursar import alerts
from bursar.database import is_passing
from bursar.errors import BursarError, Fault, InvalidInput, PeriodClosed
from bursar.jobs.lease import Lease
from bursar.money import to_wire
from bursar.period_end.endings import Ending, ending_of
from bursar.period_end.fiscal_periods import get_period, named_period, next_period
from bursar.period_end.resets import AT_ONCE, SHOWN, add_up, wire_ending
from schema.tables import FiscalPeriod

log = structlog.get_logger("bursar.periods")
_CLOSE = text(
    "select * from close_budgets(:tenant, :budgets, :next, :rollover, :cap, :actor, :reason,"
    " :dry_run)"
)
# Those above first, so that the budgets made for those below find theirs.
_BUDGETS = text(
    """
    select b.id, b.name
      from budget b
      cross join lateral (
        select x.controllers, x.period_state from budget_account x
         where x.tenant_id = b.tenant_id and x.budget_id = b.id
           and x.line_key is null and x.closed_at is null
        offset 0
      ) a
     where b.period_id = :period and b.deleted_at is null
       and a.period_state is distinct from 'closed'
     order by cardinality(a.controllers), b.id
    """
)


def soft_close(session: Session, tenant_id: UUID, code: str) -> tuple[FiscalPeriod, int]:
    """Let nothing new be used of a period's budgets; what was begun may end. How many budgets.

    Raises NotFound, PeriodClosed when it is closed for good.
    """
    period = get_period(session, code, lock=True)
    if period.state == "closed":
        raise PeriodClosed(f"{period.code} is closed for good.")
    period.state = "soft_closed"
    session.flush()
    count = select(func.ledger_soft_close(tenant_id, period.id))
    return period, int(session.execute(count).scalar_one())


def reopen(session: Session, tenant_id: UUID, code: str) -> tuple[FiscalPeriod, int]:
    """Take a soft close back. Budgets that a person froze stay so. Raises as `soft_close`."""
    period = get_period(session, code, lock=True)
    if period.state == "closed":
        raise PeriodClosed(f"{period.code} is closed for good.")
    period.state = "open"
    session.flush()
    count = select(func.ledger_reopen(tenant_id, period.id))
    return period, int(session.execute(count).scalar_one())


def following(session: Session, tenant_id: UUID, period: FiscalPeriod, code: str | None) -> str:
    """The code of the period that takes over. Raises NotFound, InvalidInput, PeriodClosed."""
    if code:
        after = named_period(session, tenant_id, code)
    else:
        after = next_period(session, tenant_id, period)
    if after.starts_on <= period.ends_on:
        fault = Fault("/next", "wrong_order", f"{after.code} does not come after {period.code}.")
        raise InvalidInput(fault.detail, faults=[fault])
    if after.state != "open":
        raise PeriodClosed(f"{after.code} is closed and cannot take over.")
    return after.code


def close_period(lease: Lease) -> None:
    """Close the period of a job, as far as it goes: a budget that cannot be closed stops no other.

    It is closed for good when all its budgets are; until then, closing it again goes on.
    """
    asked = lease.payload
    dry_run, cap = bool(asked["dry_run"]), asked["rollover_cap"]
    with lease.transaction() as session:
        period = get_period(session, asked["period"])
        if not dry_run:
            soft_close(session, lease.tenant_id, asked["period"])
            named_period(session, lease.tenant_id, asked["next"])
        budgets = session.execute(_BUDGETS, {"period": period.id}).all()
    names = {
        "tenant": lease.tenant_id, "actor": lease.actor, "dry_run": dry_run,
        "rollover": asked["rollover"], "cap": None if cap is None else Decimal(cap),
        "reason": asked["reason"] or f"{asked['period']} was closed.", "next": asked["next"],
    }  # fmt: skip
    failed: list[dict[str, str]] = []
    shown: list[dict[str, Any]] = []
    sums: dict[str, dict[str, Decimal]] = {}
    for at in range(0, len(budgets), AT_ONCE):
        lease.checkpoint()
        with lease.transaction() as session:
            for row, came in _close(session, names, budgets[at : at + AT_ONCE]):
                if isinstance(came, Exception):
                    failed.append(_failure(row, came))
                    continue
                add_up(sums, came)
                if len(shown) < SHOWN:
                    shown.append({"name": row.name} | wire_ending(came))
        lease.progress(min(at + AT_ONCE, len(budgets)), len(budgets), "closing")
    if not dry_run:
        _finish(lease, asked["period"], failed)
    lease.result = {
        "dry_run": dry_run, "period": asked["period"], "next": asked["next"],
        "budgets": len(budgets), "closed": len(budgets) - len(failed), "failed": failed,
        "carried": {c: {n: to_wire(v, c) for n, v in s.items()} for c, s in sums.items()},
        "shown": shown,
    }  # fmt: skip


def _finish(lease: Lease, code: str, failed: list[dict[str, str]]) -> None:
    key = f"close_failed:{code}"
    with lease.transaction() as session:
        if not failed:
            get_period(session, code, lock=True).state = "closed"
            alerts.resolve_key(session, lease.tenant_id, key, lease.actor)
        else:
            alerts.raise_alert(
                session, lease.tenant_id, "close_failed", "critical",
                f"{len(failed)} budgets of {code} could not be closed; the period stays open for"
                " what was begun.",
                {"period": code, "job_id": lease.job_id}, key,
            )  # fmt: skip


def _close(
    session: Session, names: dict[str, Any], budgets: Sequence[Any]
) -> Iterator[tuple[Any, Ending | Exception]]:
    """Close budgets in one call: what went along from each, or why it could not be closed.

    Where the call fails, each is closed for itself, so that one takes no other with it.
    """
    try:
        with session.begin_nested():
            rows = session.execute(_CLOSE, names | {"budgets": [row.id for row in budgets]}).all()
    except Exception as error:
        if is_passing(error):
            raise
        if len(budgets) == 1:
            yield budgets[0], error
        else:
            for budget in budgets:
                yield from _close(session, names, [budget])
        return
    for budget, row in zip(budgets, rows, strict=True):
        try:
            yield budget, ending_of(row, dry_run=names["dry_run"])
        except BursarError as refusal:
            yield budget, refusal


def _failure(row: Any, error: Exception) -> dict[str, str]:
    known = isinstance(error, BursarError)
    code = error.code if isinstance(error, BursarError) else "unexpected"
    detail = error.detail if isinstance(error, BursarError) else type(error).__name__
    log.warning("budget not closed", budget_id=str(row.id), code=code, exc_info=not known)
    return {"budget_id": str(row.id), "name": row.name, "code": code, "detail": detail}
