"""Telling ahead of budgets that will run out before their period ends, going on as they did."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from bursar import alerts
from bursar.jobs.lease import Lease
from bursar.reports.budgets import stream_rows
from bursar.reports.forecast import RunOut, run_out
from bursar.reports.ranges import Calendar
from bursar.tenants import get_tenant
from schema.tables import Alert

WINDOW_DAYS = 90
KIND = "forecast_run_out"
_BURNING = "select * from report_burning(%s, %s, %s)"
_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Foreseen:
    """A budget that will run out before the last day of its period; `available` in `currency`."""

    budget_id: UUID
    name: str
    currency: str
    available: Decimal
    ends_on: date
    run_out: RunOut


def foreseen(session: Session, tenant_id: UUID, now: datetime) -> Iterator[Foreseen]:
    """The budgets that will run out before their period ends, a few in memory at a time.

    Each is looked at from the day on which it was first used within the window.
    """
    tenant = get_tenant(session)
    calendar = Calendar.of(tenant)
    today = calendar.day_of(now)
    since = calendar.start_of(today - timedelta(days=WINDOW_DAYS))
    for row in stream_rows(session, _BURNING, (tenant_id, since, tenant.time_zone)):
        by_day = dict(zip(row.days, row.used, strict=True))
        used_today = by_day.pop(today, _ZERO)
        if not by_day or row.ends_on < today:
            continue
        first = min(by_day)
        daily = [by_day.get(first + timedelta(days=n), _ZERO) for n in range((today - first).days)]
        found = run_out(today, row.available + used_today, daily)
        if found.state == "running_out" and found.day is not None and found.day < row.ends_on:
            yield Foreseen(row.budget_id, row.name, row.currency, row.available, row.ends_on, found)


def tell_foreseen(lease: Lease) -> None:
    """Raise an alert for each such budget, once, and end those of budgets that will last."""
    with lease.transaction() as session:
        found = list(foreseen(session, lease.tenant_id, datetime.now(UTC)))
    keys = {f"{KIND}:{one.budget_id}" for one in found}
    raised = 0
    with lease.transaction() as session:
        for one in found:
            out = one.run_out
            raised += alerts.raise_alert(
                session, lease.tenant_id, KIND, "warning",
                f"{one.name} will have used all it has by {out.day}, before its period ends on"
                f" {one.ends_on}, if it goes on as it did.",
                {"budget_id": one.budget_id, "runs_out_on": out.day, "earliest": out.earliest,
                 "latest": out.latest, "period_ends_on": one.ends_on, "currency": one.currency,
                 "available": one.available, "burn_rate_per_day": round(out.a_day, 4)},
                f"{KIND}:{one.budget_id}", budget_id=one.budget_id,
            )  # fmt: skip
        open_ones = select(Alert.dedup_key).where(Alert.type == KIND, Alert.state != "resolved")
        past = set(session.execute(open_ones).scalars()) - keys
        for key in past:
            alerts.resolve_key(session, lease.tenant_id, key, "system")
    lease.result = {"foreseen": len(found), "raised": raised, "ended": len(past)}
