"""The ledger: one lockable account a budget, entries that only grow, and open holds."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CHAR,
    BigInteger,
    Index,
    LargeBinary,
    Numeric,
    PrimaryKeyConstraint,
    SmallInteger,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import DOMAIN
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.orm import Mapped, column_property, mapped_column

from schema.tables.base import NOW, Base, Money, TenantKeyed, within_tenant

Percent = Numeric(12, 4)
ZERO = text("0")
USED = ("reserved", "committed", "spent")


class Words(DOMAIN):
    """A domain over text; compared as text is.

    Domains and not checks of the table: PostgreSQL reads a table's checks anew for each statement,
    those of a domain it keeps. For the same reason no column is generated.
    """

    operator_classes = Text.operator_classes


class Amounts(DOMAIN):
    """A domain over money; calculated with as money is."""

    operator_classes = Numeric.operator_classes


Bucket = Words(
    "ledger_bucket", Text(),
    check="value in ('external', 'available', 'reserved', 'committed', 'spent')",
)  # fmt: skip
EntryKind = Words(
    "ledger_kind", Text(),
    check="value in ('fund', 'adjust', 'transfer_in', 'transfer_out', 'carry_in', 'carry_out',"
    " 'reserve', 'commit', 'charge', 'release', 'expire', 'refund', 'reverse')",
)  # fmt: skip
HoldStage = Words("hold_stage", Text(), check="value in ('reserved', 'committed')")
ControlMode = Words("control_mode", Text(), check="value in ('none', 'advisory', 'absolute')")
MoneyMoved = Amounts("money_moved", Money, check="value > 0")
MoneyHeld = Amounts("money_held", Money, check="value >= 0")
HoldState = Words("hold_state", Text(), check="value in ('open', 'charged', 'released', 'expired')")


class BudgetAccount(TenantKeyed, Base):
    """The one row that a posting locks: the counters, a cache of the entries, and the caps.

    authorized = available + reserved + committed + spent + rolled_up, always. `authorized` may be
    negative: revenue and credits are budgets too. `controllers` are the accounts of budgets above
    that limit this one too, from the root down; `rolled_up` is what accounts below, which name this
    one there, have used. A budget has one open account, and a closed one for each period that it
    has left behind; `follows` is the account before it. It is frozen by a person, by the end of its
    fiscal period (`period_state`: soft_closed, closed), or by a proof that failed (`frozen_for`).
    Only the functions of `ledger_*.sql` write it.
    In SQL, `used` and `available` are functions of the row: `a.used`.
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
        # Each reservation opens every index here; what else accounts are found by is elsewhere.
        Index(
            "ix_budget_account_follows",
            "tenant_id",
            "follows",
            unique=True,
            postgresql_where=text("follows is not null"),
        ),
    )

    budget_id: Mapped[UUID]
    line_key: Mapped[str | None]
    currency: Mapped[str] = mapped_column(CHAR(3))
    decimals: Mapped[int] = mapped_column(SmallInteger)
    authorized: Mapped[Decimal] = mapped_column(server_default=ZERO)
    allotted: Mapped[Decimal] = mapped_column(server_default=ZERO)
    reserved: Mapped[Decimal] = mapped_column(MoneyHeld, server_default=ZERO)
    committed: Mapped[Decimal] = mapped_column(MoneyHeld, server_default=ZERO)
    spent: Mapped[Decimal] = mapped_column(server_default=ZERO)
    rolled_up: Mapped[Decimal] = mapped_column(server_default=ZERO)
    controllers: Mapped[list[UUID]] = mapped_column(
        ARRAY(PG_UUID(as_uuid=True)), server_default=text("'{}'")
    )
    used: Mapped[Decimal] = column_property(reserved + committed + spent)
    available: Mapped[Decimal] = column_property(
        authorized - reserved - committed - spent - rolled_up
    )
    control_mode: Mapped[str] = mapped_column(ControlMode, server_default="absolute")
    soft_cap_pct: Mapped[Decimal] = mapped_column(Percent, server_default=text("80"))
    approach_pct: Mapped[Decimal] = mapped_column(Percent, server_default=text("95"))
    tolerance_pct: Mapped[Decimal] = mapped_column(Percent, server_default=ZERO)
    hard_cap_amount: Mapped[Decimal | None]
    frozen: Mapped[bool] = mapped_column(server_default=text("false"))
    frozen_for: Mapped[str | None]
    entry_seq: Mapped[int] = mapped_column(BigInteger, server_default=ZERO)
    head_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    updated_at: Mapped[datetime] = mapped_column(server_default=NOW)
    period_code: Mapped[str | None]
    period_starts_on: Mapped[date | None]
    opened_at: Mapped[datetime | None]
    follows: Mapped[UUID | None]
    period_state: Mapped[str | None]
    closed_at: Mapped[datetime | None]


class PastAccount(Base):
    """An account that was closed with its period, to be found by its budget and by when.

    Beside the accounts, so that those that are open have no index for it to keep.
    """

    __tablename__ = "past_account"
    __table_args__ = (
        PrimaryKeyConstraint("tenant_id", "account_id"),
        within_tenant("account_id", "budget_account"),
        Index("ix_past_account_budget", "tenant_id", "budget_id", "closed_at"),
        Index("ix_past_account_closed", "tenant_id", "closed_at"),
    )

    tenant_id: Mapped[UUID]
    account_id: Mapped[UUID]
    budget_id: Mapped[UUID]
    closed_at: Mapped[datetime]


class LedgerEntry(Base):
    """One move of money from a bucket to another. Append only, chained by hash per account.

    Partitioned by month of `recorded_at`; `seq` has no gaps within an account because it is
    counted under the account's row lock. That the two buckets differ, `ledger_append` sees to.
    """

    __tablename__ = "ledger_entry"
    __table_args__ = (
        PrimaryKeyConstraint("tenant_id", "account_id", "seq", "recorded_at"),
        Index(
            "ix_ledger_entry_reference",
            "tenant_id",
            "ref_type",
            "ref_id",
            postgresql_where=text("ref_type <> 'import'"),
        ),
        {"postgresql_partition_by": "RANGE (recorded_at)"},
    )

    tenant_id: Mapped[UUID]
    account_id: Mapped[UUID]
    seq: Mapped[int] = mapped_column(BigInteger)
    recorded_at: Mapped[datetime] = mapped_column(server_default=NOW)
    effective_at: Mapped[datetime] = mapped_column(server_default=NOW)
    kind: Mapped[str] = mapped_column(EntryKind)
    from_bucket: Mapped[str] = mapped_column(Bucket)
    to_bucket: Mapped[str] = mapped_column(Bucket)
    amount: Mapped[Decimal] = mapped_column(MoneyMoved)
    ref_type: Mapped[str | None]
    ref_id: Mapped[str | None]
    import_id: Mapped[UUID | None]
    actor: Mapped[str]
    reason: Mapped[str | None]
    hash: Mapped[bytes] = mapped_column(LargeBinary)

    @property
    def delta_used(self) -> Decimal:
        """What it adds to what is used, in the account's currency; a release is negative."""
        return self.amount * ((self.to_bucket in USED) - (self.from_bucket in USED))


class Hold(Base):
    """Money set aside for a named purpose until it is charged, released or expires.

    It is known by its reference; a key of its own would be one more index to write. That no more
    is charged and released than was set aside, a trigger on what changes makes sure of.
    """

    __tablename__ = "hold"
    __table_args__ = (
        PrimaryKeyConstraint("tenant_id", "ref_type", "ref_id"),
        Index(
            "ix_hold_expiring",
            "tenant_id",
            "expires_at",
            postgresql_where=text("state = 'open' and expires_at is not null"),
        ),
        # Partial, so that no plan made over an empty table looks references up by tenant alone.
        Index(
            "ix_hold_account", "tenant_id", "account_id", postgresql_where=text("state = 'open'")
        ),
        # Written when a hold ends, which is not when somebody waits for a reservation.
        Index("ix_hold_ended", "tenant_id", "created_at", postgresql_where=text("state <> 'open'")),
    )

    tenant_id: Mapped[UUID]
    account_id: Mapped[UUID]
    budget_id: Mapped[UUID]
    ref_type: Mapped[str]
    ref_id: Mapped[str]
    stage: Mapped[str] = mapped_column(HoldStage, server_default="reserved")
    state: Mapped[str] = mapped_column(HoldState, server_default="open")
    amount: Mapped[Decimal] = mapped_column(MoneyMoved)
    charged: Mapped[Decimal] = mapped_column(MoneyHeld, server_default=ZERO)
    released: Mapped[Decimal] = mapped_column(server_default=ZERO)
    refunded: Mapped[Decimal] = mapped_column(server_default=ZERO)
    remaining: Mapped[Decimal] = column_property(amount - charged - released)
    expires_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    updated_at: Mapped[datetime] = mapped_column(server_default=NOW)
