"""Proof: proven states of accounts, repairs, seals of the heads

The proven states lie beside the accounts and not in them: every posting writes the account's row.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

MONEY = sa.Numeric(20, 4)
ZERO = sa.text("0")


def moment(name: str, *, required: bool = True) -> "sa.Column[Any]":
    default = sa.text("now()") if required else None
    return sa.Column(
        name, sa.DateTime(timezone=True), server_default=default, nullable=not required
    )


def new_id() -> "sa.Column[Any]":
    return sa.Column("id", sa.UUID(), server_default=sa.text("uuid_v7()"), nullable=False)


def upgrade() -> None:
    op.add_column("budget_account", sa.Column("frozen_for", sa.Text()))
    op.create_index(
        "ix_budget_account_controlled",
        "budget_account",
        ["tenant_id"],
        postgresql_where=sa.text("controllers <> '{}' and closed_at is null"),
    )
    _states()
    _repairs()
    _seals()


def _states() -> None:
    op.create_table(
        "ledger_proof",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("head_hash", sa.LargeBinary()),
        *(
            sa.Column(name, MONEY, nullable=False)
            for name in ("authorized", "reserved", "committed", "spent")
        ),
        moment("proven_at"),
        sa.PrimaryKeyConstraint("tenant_id", "account_id", name=op.f("pk_ledger_proof")),
    )
    op.create_table(
        "ledger_watch",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        moment("proven_at", required=False),
        sa.Column("unproven", sa.BigInteger(), server_default=ZERO, nullable=False),
        sa.Column("frozen", sa.Integer(), server_default=ZERO, nullable=False),
        sa.Column("walked_account", sa.UUID()),
        sa.Column("walked_seq", sa.BigInteger(), server_default=ZERO, nullable=False),
        moment("walked_at", required=False),
        moment("reconciled_at", required=False),
        sa.Column("reconciled", postgresql.JSONB()),
        moment("sealed_at", required=False),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_ledger_watch")),
    )


def _repairs() -> None:
    op.create_table(
        "ledger_repair",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        new_id(),
        sa.Column("budget_id", sa.UUID(), nullable=False),
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("before", postgresql.JSONB(), nullable=False),
        sa.Column("after", postgresql.JSONB(), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        moment("created_at"),
        sa.CheckConstraint(
            "outcome in ('rebuilt', 'corrected')", name=op.f("ck_ledger_repair_outcome")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "budget_id"],
            ["budget.tenant_id", "budget.id"],
            name=op.f("fk_ledger_repair_tenant_id_budget_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_ledger_repair")),
    )
    op.create_index("ix_ledger_repair_newest", "ledger_repair", ["tenant_id", "created_at"])
    op.create_table(
        "ledger_acknowledgement",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        new_id(),
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("repair_id", sa.UUID(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("before_seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("expected", sa.LargeBinary()),
        moment("created_at"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_ledger_acknowledgement")),
    )


def _seals() -> None:
    op.create_table(
        "signing_key",
        new_id(),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        moment("created_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signing_key")),
    )
    op.create_table(
        "ledger_seal",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("no", sa.BigInteger(), nullable=False),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("accounts", sa.BigInteger(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("signing_key_id", sa.UUID(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "no", name=op.f("pk_ledger_seal")),
    )
    op.create_table(
        "ledger_seal_head",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("no", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "account_id", "no", name=op.f("pk_ledger_seal_head")),
    )
