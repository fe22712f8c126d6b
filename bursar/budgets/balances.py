"""Reading budgets together with their balances."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Integer,
    MetaData,
    Select,
    String,
    Table,
    func,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.orm import Session
from sqlalchemy.types import Numeric

from bursar.errors import NotFound
from schema.tables import Budget

_IDS = ("tenant_id", "id", "import_id", "account_id", "parent_id")
_TIMES = ("created_at", "updated_at", "deleted_at")
_TEXTS = (
    "kind", "name", "department", "sub_category", "account_code", "program", "project", "fund",
    "fiscal_period", "currency", "status", "owner", "notes", "external_ref", "source",
    "department_key", "sub_category_key", "dimensions_key", "control_mode",
)  # fmt: skip
_AMOUNTS = (
    "authorized", "reserved", "committed", "spent", "used", "available", "soft_cap_pct",
    "approach_pct", "tolerance_pct", "hard_cap_amount", "utilization_percent", "rolled_up",
)  # fmt: skip

_BUDGET = Budget.__table__.c

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


def _each(key: ColumnElement[Any], shown: ColumnElement[Any]) -> Select[Any]:
    """Every value of a column, straight from one to the next in its index, however many have it."""

    def first(*where: ColumnElement[bool]) -> Select[Any]:
        query = select(key.label("key"), shown.label("name")).order_by(key).limit(1)
        return query.where(
            _BUDGET.tenant_id == func.current_tenant(), _BUDGET.deleted_at.is_(None), *where
        )

    step = first().cte("step", recursive=True)
    further = first(key > step.c.key).lateral("further")
    step = step.union_all(select(further).select_from(step.join(further, true())))
    return select(step.c.name)


_DEPARTMENTS = _each(_BUDGET.department_key, func.btrim(_BUDGET.department))
_PERIODS = _each(_BUDGET.fiscal_period, _BUDGET.fiscal_period)


def filter_values(session: Session, most: int = 100) -> tuple[list[str], list[str]]:
    """The departments and the fiscal periods to choose from, the first `most` of each.

    Departments that differ only in case are one, as they are to `list_balances`.
    """
    return (
        list(session.execute(_DEPARTMENTS.limit(most)).scalars()),
        list(session.execute(_PERIODS.limit(most)).scalars()),
    )


def names_of(session: Session, budget_ids: Collection[UUID]) -> dict[UUID, str]:
    """What budgets are called, deleted ones too."""
    query = select(Budget.id, Budget.name).where(Budget.id.in_(budget_ids))
    return {row.id: row.name for row in session.execute(query)}
