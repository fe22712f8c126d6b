"""Budgets: who may spend on what, in which period and currency."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CHAR, CheckConstraint, Computed, Index, text
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
