"""How often a budget starts anew, and what it takes along then."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from bursar import fiscal
from bursar.budgets.editing import lock_budget
from bursar.errors import Fault, InvalidAmount, InvalidInput, NotFound
from bursar.money import exponents
from bursar.period_end.rhythm import Rhythm
from bursar.tenants import get_tenant
from schema.tables import Budget, BudgetRecurrence, FiscalPeriod


@dataclass(frozen=True, slots=True)
class Recurrence:
    """What a budget does at the end of a period. Amounts are in the budget's currency.

    `calendar` names the tenant's own for `custom`. `rollover_cap` is the most that is carried of
    what was left. Without an `allowance` each period gets what was planned for the one before.
    """

    period_type: str
    reset_day: int = 1
    calendar: str | None = None
    rollover: str = "reset"
    rollover_cap: Decimal | None = None
    allowance: Decimal | None = None


def today(session: Session) -> date:
    """The day that it is where the tenant is."""
    now: datetime = session.execute(select(func.now())).scalar_one()
    return now.astimezone(ZoneInfo(get_tenant(session).time_zone)).date()


def rhythm_of(session: Session, period_type: str, reset_day: int, calendar: str | None) -> Rhythm:
    """The rhythm of a recurrence by the tenant's calendars. Raises InvalidInput."""
    own: tuple[fiscal.Period, ...] = ()
    if calendar is not None:
        rows = session.execute(
            select(FiscalPeriod)
            .where(FiscalPeriod.calendar == calendar)
            .order_by(FiscalPeriod.starts_on)
        ).scalars()
        own = tuple(fiscal.Period(row.code, "custom", row.starts_on, row.ends_on) for row in rows)
        if not own:
            fault = Fault("/calendar", "unknown_calendar", f"No period names {calendar!r}.")
            raise InvalidInput(fault.detail, faults=[fault])
    return Rhythm(period_type, reset_day, get_tenant(session).fiscal_start_month, own)


def get_recurrence(session: Session, budget_id: UUID) -> BudgetRecurrence | None:
    """The recurrence of a budget, None where it has none. Raises NotFound for no such budget."""
    there = select(Budget.id).where(Budget.id == budget_id, Budget.deleted_at.is_(None))
    if session.execute(there).first() is None:
        raise NotFound("There is no such budget.")
    found = select(BudgetRecurrence).where(BudgetRecurrence.id == budget_id)
    return session.execute(found).scalar_one_or_none()


def set_recurrence(
    session: Session, tenant_id: UUID, budget_id: UUID, wanted: Recurrence
) -> BudgetRecurrence:
    """Let a budget start anew at the end of each period, from the present one on.

    Raises NotFound, InvalidInput, InvalidAmount; a budget that controls others, and those, have to
    start anew together.
    """
    budget = lock_budget(session, budget_id)
    if (wanted.period_type == "custom") != (wanted.calendar is not None):
        fault = Fault(
            "/calendar", "calendar", "A custom rhythm needs a calendar, no other has one."
        )
        raise InvalidInput(fault.detail, faults=[fault])
    for name in ("rollover_cap", "allowance"):
        amount = getattr(wanted, name)
        if amount is not None and (
            amount < 0 or round(amount, exponents()[budget.currency]) != amount
        ):
            raise InvalidAmount(
                f"{name} is not below zero and has no more decimals than {budget.currency} has."
            )
    rhythm = rhythm_of(session, wanted.period_type, wanted.reset_day, wanted.calendar)
    row = get_recurrence(session, budget_id)
    over = None  # a period that is over and was not gone through yet, in the same rhythm
    if row is None:
        row = BudgetRecurrence(tenant_id=tenant_id, id=budget_id, period_type=wanted.period_type)
        session.add(row)
    elif (row.period_type, row.reset_day, row.calendar) == _rhythm_key(wanted):
        over = row.next_on
    for name in Recurrence.__dataclass_fields__:
        setattr(row, name, getattr(wanted, name))
    row.next_on = min(filter(None, (over, rhythm.next_reset(today(session)))), default=None)
    row.failure, row.retry_at = None, None
    session.flush()
    _require_together(session, row)
    return row


def _rhythm_key(rule: Recurrence | BudgetRecurrence) -> tuple[str, int, str | None]:
    return rule.period_type, rule.reset_day, rule.calendar


# The rhythms of the budgets that control one, and of those that it controls.
_LINKED = text(
    """
    with recursive below as (
      select b.id from budget b where b.parent_id = :budget
      union all
      select b.id from below x join budget b on b.parent_id = x.id
    ), linked as (
      select c.budget_id from budget_account own
        join budget_account c on c.tenant_id = own.tenant_id and c.id = any (own.controllers)
       where own.budget_id = :budget and own.closed_at is null
      union
      select c.budget_id from budget_account own, below b
        join budget_account c on c.budget_id = b.id and c.closed_at is null
       where own.budget_id = :budget and own.closed_at is null and own.id = any (c.controllers)
    )
    select r.period_type, r.reset_day, r.calendar from linked l
      join budget_recurrence r on r.id = l.budget_id
    """
)


def _require_together(session: Session, row: BudgetRecurrence) -> None:
    """What controls others counts what they use, so their periods have to be the same."""
    own = _rhythm_key(row)
    for other in session.execute(_LINKED, {"budget": row.id}):
        if tuple(other) != own:
            fault = Fault(
                "/period_type",
                "periods_differ",
                "A budget that this one controls, or that controls it, has other periods.",
            )
            raise InvalidInput(fault.detail, faults=[fault])
