"""What is known of the ledger's soundness: proven states, repairs, and seals of the heads."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from schema.tables.base import NEW_ID, NOW, Base, TenantKeyed, within_tenant


class LedgerProof(Base):
    """The state of an account that was proven last: up to which entry, its hash, the counters.

    A table of its own, so that the account row that every posting locks stays small.
    """

    __tablename__ = "ledger_proof"
    __table_args__ = (PrimaryKeyConstraint("tenant_id", "account_id"),)

    tenant_id: Mapped[UUID]
    account_id: Mapped[UUID]
    seq: Mapped[int] = mapped_column(BigInteger)
    head_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    authorized: Mapped[Decimal]
    reserved: Mapped[Decimal]
    committed: Mapped[Decimal]
    spent: Mapped[Decimal]
    proven_at: Mapped[datetime] = mapped_column(server_default=NOW)


class LedgerWatch(Base):
    """When a tenant's ledger was last proven, walked from its first entry, and reconciled whole.

    `walked_account` and `walked_seq` say how far the present walk over all chains is.
    """

    __tablename__ = "ledger_watch"
    __table_args__ = (PrimaryKeyConstraint("tenant_id"),)

    tenant_id: Mapped[UUID]
    proven_at: Mapped[datetime | None]
    unproven: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    frozen: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    walked_account: Mapped[UUID | None]
    walked_seq: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    walked_at: Mapped[datetime | None]
    reconciled_at: Mapped[datetime | None]
    reconciled: Mapped[dict[str, Any] | None]
    sealed_at: Mapped[datetime | None]


class LedgerRepair(TenantKeyed, Base):
    """One repair of an account: counters rebuilt from entries, or entries posted to fit them."""

    __tablename__ = "ledger_repair"
    __table_args__ = (
        within_tenant("budget_id", "budget"),
        Index("ix_ledger_repair_newest", "tenant_id", "created_at"),
        CheckConstraint("outcome in ('rebuilt', 'corrected')", name="outcome"),
    )

    budget_id: Mapped[UUID]
    account_id: Mapped[UUID]
    outcome: Mapped[str]
    before: Mapped[dict[str, Any]]
    after: Mapped[dict[str, Any]]
    entries: Mapped[int] = mapped_column(Integer)
    reason: Mapped[str]
    actor: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)


class LedgerAcknowledgement(Base):
    """A break in a chain that a person has seen and repaired; it excuses exactly that break.

    Of an entry: what its hash is (`hash`) and what follows from its content and the entry before,
    `before_seq` (`expected`). Of a sealed head that is there no more: its hash, nothing `expected`.
    """

    __tablename__ = "ledger_acknowledgement"
    __table_args__ = (PrimaryKeyConstraint("tenant_id", "id"),)

    tenant_id: Mapped[UUID]
    id: Mapped[UUID] = mapped_column(server_default=NEW_ID)
    account_id: Mapped[UUID]
    repair_id: Mapped[UUID]
    seq: Mapped[int] = mapped_column(BigInteger)
    before_seq: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[bytes] = mapped_column(LargeBinary)
    expected: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)


class SigningKey(Base):
    """A key of the installation that seals are signed with; the private half is encrypted."""

    __tablename__ = "signing_key"

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=NEW_ID)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    ciphertext: Mapped[bytes] = mapped_column(LargeBinary)
    key_id: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)


class LedgerSeal(Base):
    """A signed root over the heads of all accounts of a tenant, chained to the seal before."""

    __tablename__ = "ledger_seal"
    __table_args__ = (PrimaryKeyConstraint("tenant_id", "no"),)

    tenant_id: Mapped[UUID]
    no: Mapped[int] = mapped_column(BigInteger)
    statement: Mapped[str]
    root: Mapped[bytes] = mapped_column(LargeBinary)
    accounts: Mapped[int] = mapped_column(BigInteger)
    signature: Mapped[bytes] = mapped_column(LargeBinary)
    signing_key_id: Mapped[UUID]
    created_by: Mapped[str]
    sealed_at: Mapped[datetime]


class LedgerSealHead(Base):
    """The head of an account as a seal covers it; kept when it differs from the seal before."""

    __tablename__ = "ledger_seal_head"
    __table_args__ = (PrimaryKeyConstraint("tenant_id", "account_id", "no"),)

    tenant_id: Mapped[UUID]
    account_id: Mapped[UUID]
    no: Mapped[int] = mapped_column(BigInteger)
    seq: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[bytes] = mapped_column(LargeBinary)
