"""The burn rate of a budget, and when it runs out: what the ledger knows, given to the forecast."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from bursar.budgets.balances import get_balance
from bursar.reports.audit import CARRIED, daily_sums, use_by_day
from bursar.reports.forecast import Backtest, RunOut, backtest, run_out
from bursar.reports.ranges import Calendar, Span, between
from schema.tables import Budget, BudgetAccount, BudgetRecurrence, FiscalPeriod

_DAY = timedelta(days=1)
_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a budget uses a day, when it runs out, and where it stands when its period ends.

    `used` is what the days of the window have added to what is used, and `by_day` what each of
    them and today has. Amounts are in `currency`.
    """

    budget_id: UUID
    currency: str
    today: date
    window: Span
    days: int
    used: Decimal
    by_day: Mapping[date, Decimal]
    authorized: Decimal
    available: Decimal
    run_out: RunOut
    period_ends_on: date | None
    balance_at_end: Decimal | None
    available_at_end: Decimal | None
    backtest: Backtest | None


def forecast(
    session: Session,
    tenant_id: UUID,
    calendar: Calendar,
    now: datetime,
    budget_id: UUID,
    window_days: int = 90,
) -> Forecast:
    """Look at the whole days before today, as many as the window has. Raises NotFound.

    A budget that was first used within the window is looked at from that day on; one that has
    started anew, with the use of the periods before.
    """
    budget = get_balance(session, budget_id)
    today = calendar.day_of(now)
    window = between(calendar, today - window_days * _DAY, today)
    sums = daily_sums(session, tenant_id, calendar, window, budget_id)
    # What another budget or period has used before.
    carried = sum((one.delta_used for one in sums if one.kind in CARRIED), _ZERO)
    by_day = use_by_day(sums)
    used_today = by_day.get(today, _ZERO)
    before_window = budget.used - carried - sum(by_day.values(), _ZERO)
    first = window.first_day
    account = session.get_one(BudgetAccount, (tenant_id, budget.account_id))
    if before_window == 0 or account.opened_at is not None:
        first = min((day for day, used in by_day.items() if used and day < today), default=today)
    daily = [by_day.get(first + n * _DAY, _ZERO) for n in range((today - first).days)]
    ends_on = _period_end(session, budget_id)
    found = run_out(today, budget.available + used_today, daily)
    balance = available = None
    if daily and ends_on is not None and ends_on >= today:
        to_come = found.a_day * ((ends_on - today).days + 1) - used_today
        balance, available = budget.used + to_come, budget.available - to_come
    return Forecast(
        budget_id=budget_id,
        currency=budget.currency,
        today=today,
        window=between(calendar, min(first, today), max(min(first, today), today - _DAY)),
        days=len(daily),
        used=sum(daily, _ZERO),
        by_day=by_day,
        authorized=budget.authorized,
        available=budget.available,
        run_out=found,
        period_ends_on=ends_on,
        balance_at_end=balance,
        available_at_end=available,
        backtest=backtest(daily),
    )


def _period_end(session: Session, budget_id: UUID) -> date | None:
    query = (
        select(FiscalPeriod.ends_on, BudgetRecurrence.next_on)
        .join(Budget, Budget.period_id == FiscalPeriod.id)
        .outerjoin(BudgetRecurrence, BudgetRecurrence.id == Budget.id)
        .where(Budget.id == budget_id)
    )
    ends_on, next_on = session.execute(query).one()
    return next_on - _DAY if next_on else ends_on
