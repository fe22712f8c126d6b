"""What is approved by itself, and the answers that were given."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CHAR,
    BigInteger,
    CheckConstraint,
    Computed,
    ForeignKeyConstraint,
    Index,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from schema.tables.base import NOW, Base, TenantKeyed, Timed, of_tenant


class ApprovalRule(TenantKeyed, Timed, Base):
    """Up to which amount a check is approved by itself, where the money is there.

    Without a department or currency it is for all of them; of several the one that says most
    decides. `auto_approve_up_to` is in the checked budget's currency. One that `covers` transfers
    says instead how much of a budget may be moved to another without asking somebody.
    """

    __tablename__ = "approval_rule"
    __table_args__ = (
        of_tenant(),
        Index(
            "uq_approval_rule", "tenant_id", "covers", "department_key", "currency", unique=True,
            postgresql_nulls_not_distinct=True, postgresql_where=text("is_active"),
        ),
        CheckConstraint("auto_approve_up_to >= 0", name="amount"),
        CheckConstraint("btrim(department) <> ''", name="department"),
        CheckConstraint("covers in ('checks', 'transfers')", name="covers"),
    )  # fmt: skip

    covers: Mapped[str] = mapped_column(server_default="checks")
    name: Mapped[str]
    department: Mapped[str | None]
    currency: Mapped[str | None] = mapped_column(CHAR(3))
    auto_approve_up_to: Mapped[Decimal]
    is_active: Mapped[bool] = mapped_column(server_default=text("true"))
    created_by: Mapped[str]
    department_key: Mapped[str | None] = mapped_column(
        Computed("lower(btrim(department))", persisted=True)
    )


class CheckDecision(TenantKeyed, Base):
    """An answer to "can we spend this?", kept with what it was based on."""

    __tablename__ = "check_decision"
    __table_args__ = (Index("ix_check_decision_budget", "tenant_id", "budget_id", "decided_at"),)

    budget_id: Mapped[UUID | None]
    amount: Mapped[Decimal]
    decision: Mapped[str]
    reason: Mapped[str]
    available: Mapped[Decimal | None]
    account_seq: Mapped[int | None] = mapped_column(BigInteger)
    actor: Mapped[str]
    trace: Mapped[dict[str, Any] | None]
    decided_at: Mapped[datetime] = mapped_column(server_default=NOW)


class TransferRequest(TenantKeyed, Timed, Base):
    """A transfer that waits for somebody other than who asked for it, or that was decided on.

    `amount` is in `currency`, that of both budgets; `ref_id` names an approved one in both ledgers.
    """

    __tablename__ = "transfer_request"
    __table_args__ = (
        # The names that a naming convention by the first column would give twice.
        ForeignKeyConstraint(
            ["tenant_id", "giving_id"], ["budget.tenant_id", "budget.id"], ondelete="RESTRICT",
            name="fk_transfer_request_tenant_id_giving_id",
        ),
        ForeignKeyConstraint(
            ["tenant_id", "taking_id"], ["budget.tenant_id", "budget.id"], ondelete="RESTRICT",
            name="fk_transfer_request_tenant_id_taking_id",
        ),
        Index("ix_transfer_request_newest", "tenant_id", "created_at", "id"),
        CheckConstraint("state in ('pending', 'approved', 'rejected')", name="state"),
        CheckConstraint("amount > 0", name="amount"),
    )  # fmt: skip

    giving_id: Mapped[UUID]
    taking_id: Mapped[UUID]
    amount: Mapped[Decimal]
    currency: Mapped[str] = mapped_column(CHAR(3))
    reason: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="pending")
    requested_by: Mapped[str]
    decided_by: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    decision_reason: Mapped[str | None]
    ref_id: Mapped[str | None]
