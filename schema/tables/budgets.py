"""Budgets: who may spend on what, in which period and currency."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CHAR, CheckConstraint, Computed, Index, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from schema.tables.base import Base, TenantKeyed, Timed, within_tenant

_DIMS = (
    "kind || chr(31) || coalesce(account_code, '') || chr(31) || coalesce(program, '')"
    " || chr(31) || coalesce(project, '') || chr(31) || coalesce(fund, '')"
)


class Budget(TenantKeyed, Timed, Base):
    """One line of control. Its money is in `budget_account`; this row only says what it is.

    The natural key (department, sub-category, period, currency and the finer dimensions) is unique
    among live budgets, so a check finds one budget and an import finds what to update. The key
    columns fold case and outer blanks, which is how people type department names.
    """

    __tablename__ = "budget"
    __table_args__ = (
        # The period protects the tenant too; `import_id` is lineage, and runs are never deleted:
        # a reference each would cost a bulk load a look-up a row.
        within_tenant("period_id", "fiscal_period"),
        within_tenant("parent_id", "budget"),
        Index(
            "uq_budget_natural_key",
            "tenant_id",
            "department_key",
            "sub_category_key",
            "fiscal_period",
            "currency",
            "dimensions_key",
            unique=True,
            postgresql_where=text("deleted_at is null"),
        ),
        Index("ix_budget_newest", "tenant_id", "created_at", "id"),
        Index("ix_budget_period", "tenant_id", "fiscal_period", "created_at", "id"),
        # What few budgets are; most are found among the newest soon enough.
        Index(
            "ix_budget_status",
            "tenant_id",
            "status",
            "created_at",
            "id",
            postgresql_where=text("status <> 'active'"),
        ),
        Index(
            "ix_budget_kind",
            "tenant_id",
            "kind",
            "created_at",
            "id",
            postgresql_where=text("kind <> 'department'"),
        ),
        Index(
            "ix_budget_import",
            "tenant_id",
            "import_id",
            postgresql_where=text("import_id is not null"),
        ),
        Index(
            "ix_budget_parent",
            "tenant_id",
            "parent_id",
            postgresql_where=text("parent_id is not null"),
        ),
        CheckConstraint(
            "kind in ('department', 'partner', 'program', 'event', 'campaign')", name="kind"
        ),
        CheckConstraint(
            "status in ('planned', 'active', 'frozen', 'finalized', 'archived')", name="status"
        ),
        CheckConstraint("btrim(department) <> ''", name="department"),
    )

    kind: Mapped[str] = mapped_column(server_default="department")
    name: Mapped[str]
    department: Mapped[str]
    sub_category: Mapped[str | None]
    account_code: Mapped[str | None]
    program: Mapped[str | None]
    project: Mapped[str | None]
    fund: Mapped[str | None]
    fiscal_period: Mapped[str]
    period_id: Mapped[UUID]
    parent_id: Mapped[UUID | None]
    currency: Mapped[str] = mapped_column(CHAR(3))
    status: Mapped[str] = mapped_column(server_default="active")
    owner: Mapped[str | None]
    notes: Mapped[str | None]
    external_ref: Mapped[str | None]
    source: Mapped[str] = mapped_column(server_default="manual")
    import_id: Mapped[UUID | None]
    deleted_at: Mapped[datetime | None]
    department_key: Mapped[str] = mapped_column(
        Computed("lower(btrim(department))", persisted=True)
    )
    sub_category_key: Mapped[str] = mapped_column(
        Computed("lower(btrim(coalesce(sub_category, '')))", persisted=True)
    )
    dimensions_key: Mapped[str] = mapped_column(Computed(f"lower({_DIMS})", persisted=True))


class BudgetRecurrence(TenantKeyed, Timed, Base):
    """How often a budget starts anew, and what it takes along. Its `id` is the budget's.

    Without an `allowance` each period starts with what was planned for the one before: its first
    funds and later adjustments, not top-ups, transfers or what it had taken along. `next_on` is the
    tenant's day on which the next period starts.
    """

    __tablename__ = "budget_recurrence"
    __table_args__ = (
        within_tenant("id", "budget"),
        Index(
            "ix_budget_recurrence_due",
            "tenant_id",
            "next_on",
            postgresql_where=text("next_on is not null"),
        ),
        CheckConstraint(
            "period_type in ('once', 'monthly', 'quarterly', 'yearly', 'rolling', 'custom')",
            name="period_type",
        ),
        CheckConstraint(
            "rollover in ('reset', 'carry_unspent', 'carry_commitments', 'carry_deficit',"
            " 'carry_all')",
            name="rollover",
        ),
        CheckConstraint(
            "reset_day between 1 and 31 and rollover_cap >= 0 and allowance >= 0"
            " and (period_type = 'custom') = (calendar is not null)",
            name="values",
        ),
    )

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    period_type: Mapped[str]
    reset_day: Mapped[int] = mapped_column(SmallInteger, server_default=text("1"))
    calendar: Mapped[str | None]
    rollover: Mapped[str] = mapped_column(server_default="reset")
    rollover_cap: Mapped[Decimal | None]
    allowance: Mapped[Decimal | None]
    next_on: Mapped[date | None]
    failure: Mapped[str | None]
    retry_at: Mapped[datetime | None]
