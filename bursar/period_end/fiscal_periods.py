"""The tenant's fiscal periods: list them, add those of a calendar of its own, find the next."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy import and_, func, literal, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bursar import fiscal, periods
from bursar.errors import DuplicatePeriod, Fault, InvalidInput, NotFound
from bursar.paging import Page, page
from bursar.period_end.recurrence import today
from bursar.tenants import get_tenant
from schema.tables import BudgetRecurrence, FiscalPeriod

SORTS = {"starts_on": FiscalPeriod.__table__.c.starts_on, "code": FiscalPeriod.__table__.c.code}


def list_periods(
    session: Session,
    *,
    state: str | None = None,
    calendar: str | None = None,
    sort: str = "-starts_on",
    limit: int = 50,
    cursor: str | None = None,
) -> Page:
    """A page of the tenant's periods, the latest first."""
    query = select(FiscalPeriod)
    for column, value in ((FiscalPeriod.state, state), (FiscalPeriod.calendar, calendar)):
        if value is not None:
            query = query.where(column == value)
    key = FiscalPeriod.__table__.c.id
    found = page(session, query, columns=SORTS, key=key, sort=sort, limit=limit, cursor=cursor)
    return Page([row.FiscalPeriod for row in found.rows], found.next_cursor)


def add_period(
    session: Session, tenant_id: UUID, code: str, starts_on: date, ends_on: date, calendar: str
) -> FiscalPeriod:
    """Add a period to a calendar of the tenant's own. Both days belong to it.

    Raises InvalidInput when it or the calendar has no name, its days are those of another period
    of the calendar, or its code is one that Bursar gives a meaning to; DuplicatePeriod when the
    code is taken.
    """
    code, calendar = code.strip(), calendar.strip()
    for name, value in (("code", code), ("calendar", calendar)):
        if not value:
            raise InvalidInput(faults=[Fault(f"/{name}", "blank", "It needs a name.")])
    if ends_on < starts_on:
        fault = Fault("/ends_on", "wrong_order", "The last day lies before the first.")
        raise InvalidInput(fault.detail, faults=[fault])
    if fiscal.resolve(code, get_tenant(session).fiscal_start_month) is not None:
        fault = Fault(
            "/code", "known_period", f"{code!r} already means a period; name it otherwise."
        )
        raise InvalidInput(fault.detail, faults=[fault])
    # Two at once must not overlap either.
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"{tenant_id}", 7))))
    overlap = select(FiscalPeriod.code).where(
        FiscalPeriod.calendar == calendar,
        FiscalPeriod.starts_on <= ends_on,
        FiscalPeriod.ends_on >= starts_on,
    )
    other = session.execute(overlap).scalars().first()
    if other is not None:
        fault = Fault("/starts_on", "overlaps", f"{other} has some of these days.")
        raise InvalidInput(fault.detail, faults=[fault])
    period = FiscalPeriod(
        tenant_id=tenant_id, code=code, kind="custom", starts_on=starts_on, ends_on=ends_on,
        calendar=calendar,
    )  # fmt: skip
    session.add(period)
    try:
        session.flush()
    except IntegrityError as error:
        if "uq_fiscal_period_code" in str(error.orig):
            raise DuplicatePeriod from None
        raise
    _tell_followers(session, period)
    return period


def _tell_followers(session: Session, period: FiscalPeriod) -> None:
    """Let budgets that start anew by the calendar do so with its new period as well.

    A period that has begun already is for those for which the calendar had ended.
    """
    day = today(session)
    later = and_(literal(period.starts_on > day), BudgetRecurrence.next_on > period.starts_on)
    if period.ends_on >= day:
        session.execute(
            update(BudgetRecurrence)
            .where(
                BudgetRecurrence.calendar == period.calendar,
                or_(BudgetRecurrence.next_on.is_(None), later),
            )
            .values(next_on=period.starts_on)
            .execution_options(synchronize_session=False)
        )


def get_period(session: Session, code: str, *, lock: bool = False) -> FiscalPeriod:
    """The period of a code, as people write it. Raises NotFound."""
    known = fiscal.resolve(code, get_tenant(session).fiscal_start_month)
    query = select(FiscalPeriod).where(FiscalPeriod.code == (known.code if known else code))
    if lock:
        query = query.with_for_update()
    period = session.execute(query).scalar_one_or_none()
    if period is None:
        raise NotFound("There is no such period.")
    return period


def find_period(session: Session, period_id: UUID) -> FiscalPeriod:
    """The period of an id. Raises NotFound."""
    query = select(FiscalPeriod).where(FiscalPeriod.id == period_id)
    period = session.execute(query).scalar_one_or_none()
    if period is None:
        raise NotFound("There is no such period.")
    return period


def named_period(session: Session, tenant_id: UUID, code: str) -> FiscalPeriod:
    """The period that a code means, opened if need be. Raises NotFound."""
    start = get_tenant(session).fiscal_start_month
    known = fiscal.resolve(code, start)
    if known is not None:
        periods.ensure(session, tenant_id, [known.code], start)
    return get_period(session, code)


def next_period(session: Session, tenant_id: UUID, period: FiscalPeriod) -> FiscalPeriod:
    """The period that follows one, of the same length or of the same calendar; opened if need be.

    Raises InvalidInput where nothing says which one follows.
    """
    if period.calendar is not None:
        query = (
            select(FiscalPeriod)
            .where(
                FiscalPeriod.calendar == period.calendar,
                FiscalPeriod.starts_on > period.ends_on,
            )
            .order_by(FiscalPeriod.starts_on)
        )
        following = session.execute(query.limit(1)).scalar_one_or_none()
        if following is not None:
            return following
    if period.kind == "custom":
        fault = Fault("/next", "unclear_next", f"Say which period follows {period.code}.")
        raise InvalidInput(fault.detail, faults=[fault])
    start = get_tenant(session).fiscal_start_month
    first = date.fromordinal(period.ends_on.toordinal() + 1)
    year = first.year + (start > 1 and first.month >= start)
    if period.kind == "month":
        code = fiscal.calendar_month(first.year, first.month).code
    elif period.kind == "quarter":
        code = fiscal.fiscal_quarter(year, (first.month - start) % 12 // 3 + 1, start).code
    else:
        code = fiscal.fiscal_year(year, start).code
    return named_period(session, tenant_id, code)
