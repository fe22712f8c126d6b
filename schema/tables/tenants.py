"""Tenants, the people who belong to them, and the keys of machines."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CHAR, CheckConstraint, Index, LargeBinary, SmallInteger, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from schema.tables.base import NEW_ID, Base, TenantKeyed, Timed, of_tenant

ROLES = ("admin", "fpa", "approver", "member", "partner", "auditor", "service")
_ROLE_CHECK = "role in (" + ", ".join(f"'{r}'" for r in ROLES) + ")"


class Tenant(Timed, Base):
    """An organisation whose budgets are kept apart from all others.

    From `sources_paused_at` on the schedules of its sources rest; `sources_paused_by` is a name.
    """

    __tablename__ = "tenant"
    __table_args__ = (
        Index("uq_tenant_slug", "slug", unique=True),
        CheckConstraint("fiscal_start_month between 1 and 12", name="fiscal_start_month"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=NEW_ID)
    slug: Mapped[str]
    name: Mapped[str]
    base_currency: Mapped[str] = mapped_column(CHAR(3), server_default="USD")
    allowed_currencies: Mapped[list[str]] = mapped_column(
        ARRAY(Text), server_default=text("'{USD,ZWG}'")
    )
    time_zone: Mapped[str] = mapped_column(server_default="UTC")
    fiscal_start_month: Mapped[int] = mapped_column(SmallInteger, server_default=text("1"))
    settings: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    sources_paused_at: Mapped[datetime | None]
    sources_paused_by: Mapped[str | None]
    deleted_at: Mapped[datetime | None]


class AppUser(Timed, Base):
    """A person; the same person may belong to several tenants. Read only through functions."""

    __tablename__ = "app_user"
    __table_args__ = (Index("uq_app_user_email", text("lower(email)"), unique=True),)

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=NEW_ID)
    email: Mapped[str]
    name: Mapped[str] = mapped_column(server_default="")
    password_hash: Mapped[str]
    deleted_at: Mapped[datetime | None]


class Membership(TenantKeyed, Timed, Base):
    """What a person may do in a tenant."""

    __tablename__ = "membership"
    __table_args__ = (
        of_tenant(),
        Index("uq_membership_user", "tenant_id", "user_id", unique=True),
        CheckConstraint(_ROLE_CHECK, name="role"),
    )

    user_id: Mapped[UUID]
    role: Mapped[str]
    scope_budget_id: Mapped[UUID | None]
    party_id: Mapped[UUID | None]
    deleted_at: Mapped[datetime | None]


class ApiKey(TenantKeyed, Timed, Base):
    """A machine's key. Only its hash is stored; the key names its tenant itself."""

    __tablename__ = "api_key"
    __table_args__ = (
        of_tenant(),
        Index("uq_api_key_hash", "tenant_id", "key_hash", unique=True),
        CheckConstraint(_ROLE_CHECK, name="role"),
    )

    name: Mapped[str] = mapped_column(server_default="")
    key_hash: Mapped[bytes] = mapped_column(LargeBinary)
    hint: Mapped[str]
    role: Mapped[str]
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]


class Currency(Base):
    """ISO 4217 currencies and their decimals; reference data, the same for everybody."""

    __tablename__ = "currency"

    code: Mapped[str] = mapped_column(CHAR(3), primary_key=True)
    decimals: Mapped[int] = mapped_column(SmallInteger)


class FiscalPeriod(TenantKeyed, Timed, Base):
    """A span of the tenant's calendar under its canonical code (FY2025, FY2025-Q1, 2025-01).

    Those of a calendar of the tenant's own have its name in `calendar`, and codes of its choice.
    """

    __tablename__ = "fiscal_period"
    __table_args__ = (
        of_tenant(),
        Index("uq_fiscal_period_code", "tenant_id", "code", unique=True),
        CheckConstraint("kind in ('year', 'quarter', 'month', 'custom')", name="kind"),
        CheckConstraint("state in ('open', 'soft_closed', 'closed')", name="state"),
        CheckConstraint("starts_on <= ends_on", name="order"),
    )

    code: Mapped[str]
    kind: Mapped[str]
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    calendar: Mapped[str | None]
    state: Mapped[str] = mapped_column(server_default="open")
    aliases: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
