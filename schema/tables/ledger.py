"""The ledger: one lockable account a budget, entries that only grow, and open holds."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import (
    CHAR,
    BigInteger,
    CheckConstraint,
    Computed,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    Numeric,
    PrimaryKeyConstraint,
    SmallInteger,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from schema.tables.base import NOW, Base, TenantKeyed, within_tenant

Percent = Numeric(12, 4)
ZERO = text("0")
BUCKETS = "('external', 'available', 'reserved', 'committed', 'spent')"
ENTRY_KINDS = (
    "('fund', 'adjust', 'transfer_in', 'transfer_out', 'carry_in', 'carry_out', 'reserve',"
    " 'commit', 'charge', 'release', 'expire', 'refund', 'reverse')"
)


class BudgetAccount(TenantKeyed, Base):
    """The one row that a posting locks: the counters, a cache of the entries, and the caps.

    authorized = available + reserved + committed + spent, always. `authorized` may be negative:
    revenue and credits are budgets too. Only the functions of `ledger_*.sql` write it.
    """

    __tablename__ = "budget_account"
    __table_args__ = (
        within_tenant("budget_id", "budget"),
        Index(
            "uq_budget_account_open",
            "tenant_id",
            "budget_id",
            "line_key",
            unique=True,
            postgresql_nulls_not_distinct=True,
            postgresql_where=text("closed_at is null"),
        ),
        CheckConstraint("control_mode in ('none', 'advisory', 'absolute')", name="control_mode"),
        CheckConstraint("reserved >= 0", name="reserved"),
        CheckConstraint("committed >= 0", name="committed"),
    )

    budget_id: Mapped[UUID]
    line_key: Mapped[str | None]
    currency: Mapped[str] = mapped_column(CHAR(3))
    decimals: Mapped[int] = mapped_column(SmallInteger)
    authorized: Mapped[Decimal] = mapped_column(server_default=ZERO)
    allotted: Mapped[Decimal] = mapped_column(server_default=ZERO)
    reserved: Mapped[Decimal] = mapped_column(server_default=ZERO)
    committed: Mapped[Decimal] = mapped_column(server_default=ZERO)
    spent: Mapped[Decimal] = mapped_column(server_default=ZERO)
    used: Mapped[Decimal] = mapped_column(Computed("reserved + committed + spent", persisted=True))
    available: Mapped[Decimal] = mapped_column(
        Computed("authorized - reserved - committed - spent", persisted=True)
    )
    control_mode: Mapped[str] = mapped_column(server_default="absolute")
    soft_cap_pct: Mapped[Decimal] = mapped_column(Percent, server_default=text("80"))
    approach_pct: Mapped[Decimal] = mapped_column(Percent, server_default=text("95"))
    tolerance_pct: Mapped[Decimal] = mapped_column(Percent, server_default=ZERO)
    hard_cap_amount: Mapped[Decimal | None]
    frozen: Mapped[bool] = mapped_column(server_default=text("false"))
    entry_seq: Mapped[int] = mapped_column(BigInteger, server_default=ZERO)
    head_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    updated_at: Mapped[datetime] = mapped_column(server_default=NOW)
    closed_at: Mapped[datetime | None]


class LedgerEntry(Base):
    """One move of money from a bucket to another. Append only, chained by hash per account.

    Partitioned by month of `recorded_at`; `seq` has no gaps within an account because it is
    counted under the account's row lock.
    """

    __tablename__ = "ledger_entry"
    __table_args__ = (
        PrimaryKeyConstraint("tenant_id", "account_id", "seq", "recorded_at"),
        ForeignKeyConstraint(
            ["tenant_id", "account_id"],
            ["budget_account.tenant_id", "budget_account.id"],
            ondelete="RESTRICT",
        ),
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint(f"kind in {ENTRY_KINDS}", name="kind"),
        CheckConstraint(f"from_bucket in {BUCKETS}", name="from_bucket"),
        CheckConstraint(f"to_bucket in {BUCKETS} and to_bucket <> from_bucket", name="to_bucket"),
        {"postgresql_partition_by": "RANGE (recorded_at)"},
    )

    tenant_id: Mapped[UUID]
    account_id: Mapped[UUID]
    seq: Mapped[int] = mapped_column(BigInteger)
    recorded_at: Mapped[datetime] = mapped_column(server_default=NOW)
    effective_at: Mapped[datetime] = mapped_column(server_default=NOW)
    kind: Mapped[str]
    from_bucket: Mapped[str]
    to_bucket: Mapped[str]
    amount: Mapped[Decimal]
    delta_used: Mapped[Decimal] = mapped_column(
        Computed(
            "case when to_bucket in ('reserved', 'committed', 'spent') then amount else 0 end"
            " - case when from_bucket in ('reserved', 'committed', 'spent') then amount else 0 end",
            persisted=True,
        )
    )
    ref_type: Mapped[str | None]
    ref_id: Mapped[str | None]
    import_id: Mapped[UUID | None]
    actor: Mapped[str]
    reason: Mapped[str | None]
    hash: Mapped[bytes] = mapped_column(LargeBinary)


class Hold(TenantKeyed, Base):
    """Money set aside for a named purpose until it is charged, released or expires."""

    __tablename__ = "hold"
    __table_args__ = (
        within_tenant("account_id", "budget_account"),
        Index("uq_hold_reference", "tenant_id", "ref_type", "ref_id", unique=True),
        Index(
            "ix_hold_expiring",
            "tenant_id",
            "expires_at",
            postgresql_where=text("state = 'open' and expires_at is not null"),
        ),
        Index("ix_hold_account", "tenant_id", "account_id", "state"),
        CheckConstraint("stage in ('reserved', 'committed')", name="stage"),
        CheckConstraint("state in ('open', 'charged', 'released', 'expired')", name="state"),
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint(
            "charged >= 0 and released >= 0 and charged + released <= amount", name="used_up"
        ),
    )

    account_id: Mapped[UUID]
    budget_id: Mapped[UUID]
    ref_type: Mapped[str]
    ref_id: Mapped[str]
    stage: Mapped[str] = mapped_column(server_default="reserved")
    state: Mapped[str] = mapped_column(server_default="open")
    amount: Mapped[Decimal]
    charged: Mapped[Decimal] = mapped_column(server_default=ZERO)
    released: Mapped[Decimal] = mapped_column(server_default=ZERO)
    remaining: Mapped[Decimal] = mapped_column(
        Computed("amount - charged - released", persisted=True)
    )
    expires_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    updated_at: Mapped[datetime] = mapped_column(server_default=NOW)


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
    decided_at: Mapped[datetime] = mapped_column(server_default=NOW)
