"""What every table shares: naming of constraints, tenant keys, times, money."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, ForeignKeyConstraint, Integer, MetaData, Numeric, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

Money = Numeric(20, 4)
NOW = text("now()")
NEW_ID = text("uuid_v7()")


class Base(DeclarativeBase):
    """All tables of Bursar."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012  SQLAlchemy reads it from the class
        str: Text(),
        Decimal: Money,
        datetime: DateTime(timezone=True),
        UUID: PG_UUID(as_uuid=True),
        dict[str, Any]: JSONB(),
        list[Any]: JSONB(),
    }


class Timed:
    """Times set by the database, and the version an update must name."""

    row_version: Mapped[int] = mapped_column(Integer, server_default=text("1"))
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    updated_at: Mapped[datetime] = mapped_column(server_default=NOW)


class TenantKeyed:
    """Primary key (tenant_id, id): every key and index of a tenant's table leads with the tenant.

    `schema/policies/tenant_wall.sql` gives each such table its row-level security.
    """

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=NEW_ID)


def of_tenant() -> ForeignKeyConstraint:
    """A tenant with rows cannot be deleted."""
    return ForeignKeyConstraint(["tenant_id"], ["tenant.id"], ondelete="RESTRICT")


def within_tenant(column: str, table: str) -> ForeignKeyConstraint:
    """A reference that cannot leave the tenant, and that protects what it points to."""
    return ForeignKeyConstraint(
        ["tenant_id", column], [f"{table}.tenant_id", f"{table}.id"], ondelete="RESTRICT"
    )
