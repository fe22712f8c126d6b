"""Starting budgets anew: one by hand, or all of a tenant that are due. Once a period, each."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from bursar import alerts
from bursar.budgets.editing import lock_budget
from bursar.database import is_passing
from bursar.errors import BursarError
from bursar.jobs.lease import Lease
from bursar.money import to_wire
from bursar.period_end.endings import CARRIED, Ending, ending_of
from bursar.period_end.recurrence import rhythm_of, today
from schema.tables import BudgetRecurrence

log = structlog.get_logger("bursar.periods")
AT_ONCE = 100
SHOWN = 1000
_RESET = text(
    "select * from ledger_reset(:tenant, :budget, :period, :starts_on, :rollover, :cap, :allowance,"
    " :actor, :reason, :dry_run)"
)
# Those above first: what they count of those below is then never too little. What belongs to a
# fiscal period that is being closed starts anew when that is taken back, or never.
_DUE = text(
    """
    select r.id, b.name
      from budget_recurrence r
      join budget b on b.tenant_id = r.tenant_id and b.id = r.id
      cross join lateral (
        select x.controllers, x.period_state from budget_account x
         where x.tenant_id = b.tenant_id and x.budget_id = b.id
           and x.line_key is null and x.closed_at is null
        offset 0
      ) a
     where r.next_on <= :today and (r.retry_at is null or r.retry_at <= now())
       and b.deleted_at is null and b.status = 'active' and a.period_state is null
     order by cardinality(a.controllers), r.id
    """
)


def reset(
    session: Session,
    tenant_id: UUID,
    budget_id: UUID,
    *,
    actor: str,
    reason: str,
    rollover: str | None = None,
    cap: Decimal | None = None,
    dry_run: bool = False,
    day: date | None = None,
) -> list[Ending]:
    """Start a budget anew with its present period, once; one ending for each period that is over.

    A budget that has missed periods goes through all of them. One without periods of its own starts
    anew with the present day. The present day is that of the tenant, unless `day` says otherwise.
    `rollover` and `cap` stand in for what the budget's recurrence says; another rollover comes
    without its cap. Raises NotFound, BudgetFrozen, PeriodClosed, CountersDisagree, InvalidAmount,
    InvalidInput.
    """
    lock_budget(session, budget_id)
    day = day or today(session)
    query = select(BudgetRecurrence).where(BudgetRecurrence.id == budget_id).with_for_update()
    rule = session.execute(query).scalar_one_or_none()
    names: dict[str, Any] = {
        "tenant": tenant_id, "budget": budget_id, "actor": actor, "reason": reason,
        "dry_run": dry_run, "allowance": rule and rule.allowance,
        "rollover": rollover or (rule.rollover if rule else "reset"),
        "cap": rule.rollover_cap if rule and cap is None and rollover is None else cap,
    }  # fmt: skip
    if rule is None:
        return [_one(session, names, day.isoformat(), day)]
    rhythm = rhythm_of(session, rule.period_type, rule.reset_day, rule.calendar)
    endings: list[Ending] = []
    due = rule.next_on
    while due is not None and due <= day:
        period = rhythm.period_of(due)
        assert period is not None
        endings.append(_one(session, names, period.code, period.starts_on))
        due = rhythm.next_reset(due)
        if dry_run:
            break  # the next one depends on what this one would have brought
    if not endings:
        current = rhythm.period_of(day)
        code, first = (current.code, current.starts_on) if current else (day.isoformat(), day)
        endings.append(_one(session, names, code, first))
    if not dry_run:
        rule.next_on = rhythm.next_reset(day)
        rule.failure, rule.retry_at = None, None
        session.flush()
        alerts.resolve_key(session, tenant_id, f"reset_failed:{budget_id}", actor)
    return endings


def _one(session: Session, names: dict[str, Any], code: str, starts_on: date) -> Ending:
    row = session.execute(_RESET, names | {"period": code, "starts_on": starts_on}).one()
    return ending_of(row, dry_run=names["dry_run"])


def reset_due(lease: Lease) -> None:
    """Start anew all budgets of a tenant whose period is over; one that cannot be stops no other.

    The job's result says how many there were, what went along, and which could not be and why.
    """
    dry_run = bool(lease.payload.get("dry_run"))
    with lease.transaction() as session:
        due = session.execute(_DUE, {"today": today(session)}).all()
    failed: list[dict[str, str]] = []
    shown: list[dict[str, Any]] = []
    sums: dict[str, dict[str, Decimal]] = {}
    done = 0
    for at in range(0, len(due), AT_ONCE):
        lease.checkpoint()
        with lease.transaction() as session:
            for row in due[at : at + AT_ONCE]:
                try:
                    with session.begin_nested():
                        endings = reset(
                            session, lease.tenant_id, row.id,
                            actor=lease.actor, reason="Its period is over.", dry_run=dry_run,
                        )  # fmt: skip
                except Exception as error:
                    if is_passing(error):
                        raise
                    failed.append(_failure(session, lease, row, error, dry_run))
                    continue
                done += 1
                for ending in endings:
                    add_up(sums, ending)
                    if len(shown) < SHOWN:
                        shown.append({"name": row.name} | wire_ending(ending))
        lease.progress(min(at + AT_ONCE, len(due)), len(due), "resetting")
    lease.result = {
        "dry_run": dry_run, "due": len(due), "reset": done, "failed": failed,
        "carried": {c: {n: to_wire(v, c) for n, v in s.items()} for c, s in sums.items()},
        "budgets": shown,
    }  # fmt: skip


def add_up(sums: dict[str, dict[str, Decimal]], ending: Ending) -> None:
    """Count what went along from one budget into the sums by currency."""
    total = sums.setdefault(ending.currency, dict.fromkeys((*CARRIED, "lapsed"), Decimal(0)))
    for name in (*CARRIED, "lapsed"):
        total[name] += getattr(ending, name)


def wire_ending(ending: Ending) -> dict[str, Any]:
    """An ending as jobs keep it and the API shows it: amounts as decimal text."""
    amounts = ("authorized", "reserved", "committed", "spent", "available", *CARRIED, "lapsed",
               "allowance")  # fmt: skip
    return {
        "budget_id": str(ending.budget_id),
        "state": ending.state,
        "currency": ending.currency,
        "period": ending.period_code,
        **{
            name: None if value is None else to_wire(value, ending.currency)
            for name in amounts
            for value in (getattr(ending, name),)
        },
        "holds_carried": ending.holds,
    }


def _failure(
    session: Session, lease: Lease, row: Any, error: Exception, dry_run: bool
) -> dict[str, str]:
    known = isinstance(error, BursarError)
    code = error.code if isinstance(error, BursarError) else "unexpected"
    detail = error.detail if isinstance(error, BursarError) else type(error).__name__
    log.warning("budget not reset", budget_id=str(row.id), code=code, exc_info=not known)
    if not dry_run:
        session.execute(
            update(BudgetRecurrence)
            .where(BudgetRecurrence.id == row.id)
            .values(failure=code, retry_at=text("now() + interval '1 hour'"))
        )
        alerts.raise_alert(
            session, lease.tenant_id, "reset_failed", "critical",
            f"{row.name} could not start its new period: {detail}",
            {"budget_id": row.id, "code": code}, f"reset_failed:{row.id}", budget_id=row.id,
        )  # fmt: skip
    return {"budget_id": str(row.id), "name": row.name, "code": code, "detail": detail}
