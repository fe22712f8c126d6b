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
    select,
    text,
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


# From each value straight to the next one in the index, however many budgets have it.
_DEPARTMENTS = text(
    """
    with recursive step as (
      (select b.department_key as key, btrim(b.department) as name from budget b
        where b.tenant_id = current_tenant() and b.deleted_at is null
        order by b.department_key limit 1)
      union all
      select n.key, n.name from step s
       cross join lateral (
         select b.department_key as key, btrim(b.department) as name from budget b
          where b.tenant_id = current_tenant() and b.deleted_at is null
            and b.department_key > s.key
          order by b.department_key limit 1) n
    )
    select name from step limit :most
    """
)
_PERIODS = text(
    """
    with recursive step as (
      (select b.fiscal_period as name from budget b
        where b.tenant_id = current_tenant() and b.deleted_at is null
        order by b.fiscal_period limit 1)
      union all
      select n.name from step s
       cross join lateral (
         select b.fiscal_period as name from budget b
          where b.tenant_id = current_tenant() and b.deleted_at is null
            and b.fiscal_period > s.name
          order by b.fiscal_period limit 1) n
    )
    select name from step limit :most
    """
)


def filter_values(session: Session, most: int = 100) -> tuple[list[str], list[str]]:
    """The departments and the fiscal periods to choose from, the first `most` of each.

    Departments that differ only in case are one, as they are to `list_balances`.
    """
    return (
        list(session.execute(_DEPARTMENTS, {"most": most}).scalars()),
        list(session.execute(_PERIODS, {"most": most}).scalars()),
    )


def names_of(session: Session, budget_ids: Collection[UUID]) -> dict[UUID, str]:
    """What budgets are called, deleted ones too."""
    query = select(Budget.id, Budget.name).where(Budget.id.in_(budget_ids))
    return {row.id: row.name for row in session.execute(query)}
