"""Reading budgets together with their balances."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Integer,
    MetaData,
    Select,
    String,
    Table,
    func,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.orm import Session
from sqlalchemy.types import Numeric

from bursar.errors import NotFound
from bursar.paging import Page, page
from schema.tables import Budget

_IDS = ("tenant_id", "id", "import_id", "account_id", "parent_id")
_TIMES = ("created_at", "updated_at", "deleted_at")
_SEARCHED = ("department", "sub_category", "name", "account_code", "external_ref")
_TEXTS = (
    "kind", "name", "department", "sub_category", "account_code", "program", "project", "fund",
    "fiscal_period", "currency", "status", "owner", "notes", "external_ref", "source",
    "department_key", "sub_category_key", "dimensions_key", "control_mode",
)  # fmt: skip
_AMOUNTS = (
    "authorized", "reserved", "committed", "spent", "used", "available", "soft_cap_pct",
    "approach_pct", "tolerance_pct", "hard_cap_amount", "utilization_percent", "rolled_up",
)  # fmt: skip

# The view of `schema/views/budget_balance.sql`.
BALANCE = Table(
    "budget_balance",
    MetaData(),
    *(Column(name, PG_UUID(as_uuid=True)) for name in _IDS),
    *(Column(name, String) for name in _TEXTS),
    *(Column(name, Numeric) for name in _AMOUNTS),
    *(Column(name, TIMESTAMP(timezone=True)) for name in _TIMES),
    Column("row_version", Integer),
    Column("frozen", Boolean),
    Column("entry_seq", BigInteger),
)

SORTS = {
    "created_at": BALANCE.c.created_at,
    "department": BALANCE.c.department_key,
    "budgeted_amount": BALANCE.c.authorized,
    "available": BALANCE.c.available,
    "fiscal_period": BALANCE.c.fiscal_period,
}


def live() -> Select[Any]:
    """All budgets of the tenant that have not been deleted."""
    return select(BALANCE).where(BALANCE.c.deleted_at.is_(None))


def get_balance(session: Session, budget_id: UUID, *, deleted: bool = False) -> Any:
    """One budget with its money. Raises NotFound."""
    query = select(BALANCE).where(BALANCE.c.id == budget_id)
    if not deleted:
        query = query.where(BALANCE.c.deleted_at.is_(None))
    row = session.execute(query).first()
    if row is None:
        raise NotFound("There is no such budget.")
    return row


def list_balances(
    session: Session,
    *,
    department: str | None = None,
    sub_category: str | None = None,
    fiscal_period: str | None = None,
    source: str | None = None,
    import_id: UUID | None = None,
    status: str | None = None,
    kind: str | None = None,
    q: str | None = None,
    sort: str = "-created_at",
    limit: int = 50,
    cursor: str | None = None,
) -> Page:
    """A page of live budgets. Department and sub-category are compared as the natural key is."""
    query = _filtered(
        live(),
        department,
        q,
        sub_category=sub_category,
        fiscal_period=fiscal_period,
        source=source,
        import_id=import_id,
        status=status,
        kind=kind,
    )
    # In a period the newest are beside each other, as in its index.
    newest = (BALANCE.c.created_at, BALANCE.c.id)
    key = newest if sort.lstrip("-") == "fiscal_period" else newest[-1:]
    return page(session, query, columns=SORTS, key=key, sort=sort, limit=limit, cursor=cursor)


def _filtered(
    query: Select[Any], department: str | None, q: str | None, **exact: object
) -> Select[Any]:
    if department is not None:
        query = query.where(BALANCE.c.department_key == func.lower(func.btrim(department)))
    sub_category = exact.pop("sub_category", None)
    if sub_category is not None:
        query = query.where(BALANCE.c.sub_category_key == func.lower(func.btrim(sub_category)))
    for name, value in exact.items():
        if value is not None:
            query = query.where(BALANCE.c[name] == value)
    if q:
        like = "%" + q.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        query = query.where(or_(*(BALANCE.c[name].ilike(like) for name in _SEARCHED)))
    return query


def totals(
    session: Session,
    *,
    department: str | None = None,
    fiscal_period: str | None = None,
    import_id: UUID | None = None,
    q: str | None = None,
) -> list[Any]:
    """What is budgeted, reserved, committed, spent and available, by currency.

    The filters mean what they mean to `list_balances`.
    """
    amounts = ("authorized", "reserved", "committed", "spent", "available")
    query = select(
        BALANCE.c.currency,
        func.count().label("budgets"),
        *(func.sum(BALANCE.c[name]).label(name) for name in amounts),
    ).where(BALANCE.c.deleted_at.is_(None))
    query = _filtered(query, department, q, fiscal_period=fiscal_period, import_id=import_id)
    return list(
        session.execute(query.group_by(BALANCE.c.currency).order_by(BALANCE.c.currency)).all()
    )


def filter_values(session: Session) -> tuple[list[str], list[str]]:
    """The departments and the fiscal periods to choose from, at most 500 of each.

    Departments that differ only in case are one, as they are to `list_balances`.
    """
    alive = Budget.deleted_at.is_(None)
    departments = (
        select(func.min(func.btrim(Budget.department)))
        .where(alive)
        .group_by(Budget.department_key)
        .order_by(Budget.department_key)
    )
    periods = select(Budget.fiscal_period).where(alive).distinct().order_by(Budget.fiscal_period)
    return (
        list(session.execute(departments.limit(500)).scalars()),
        list(session.execute(periods.limit(500)).scalars()),
    )


def names_of(session: Session, budget_ids: Collection[UUID]) -> dict[UUID, str]:
    """What budgets are called, deleted ones too."""
    query = select(Budget.id, Budget.name).where(Budget.id.in_(budget_ids))
    return {row.id: row.name for row in session.execute(query)}
