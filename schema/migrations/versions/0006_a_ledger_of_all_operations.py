"""Refunds, commitments and budgets that control others; what a reservation costs

Checks of a table are read anew for each statement and foreign keys look their row up, so the words
of entries and holds become domains, and entries and holds rely on the functions that write them.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

DOMAINS = {
    "ledger_bucket": "'external', 'available', 'reserved', 'committed', 'spent'",
    "ledger_kind": "'fund', 'adjust', 'transfer_in', 'transfer_out', 'carry_in', 'carry_out',"
    " 'reserve', 'commit', 'charge', 'release', 'expire', 'refund', 'reverse'",
    "hold_stage": "'reserved', 'committed'",
    "hold_state": "'open', 'charged', 'released', 'expired'",
}


def upgrade() -> None:
    for name, words in DOMAINS.items():
        op.execute(f"create domain {name} as text check (value in ({words}))")
    _entries()
    _holds()
    _accounts()
    op.create_index(
        "ix_budget_parent",
        "budget",
        ["tenant_id", "parent_id"],
        postgresql_where=sa.text("parent_id is not null"),
    )

    op.drop_index("ix_action_idempotency_age", "action_idempotency")
    op.create_index(
        "ix_action_idempotency_age", "action_idempotency", ["created_at"], postgresql_using="brin"
    )
    op.add_column("check_decision", sa.Column("trace", postgresql.JSONB()))
    op.create_table(
        "approval_rule",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("department", sa.Text()),
        sa.Column("currency", sa.CHAR(3)),
        sa.Column("auto_approve_up_to", sa.Numeric(20, 4), nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column(
            "department_key", sa.Text(), sa.Computed("lower(btrim(department))", persisted=True)
        ),
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), server_default=sa.text("uuid_v7()"), nullable=False),
        sa.Column("row_version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("auto_approve_up_to >= 0", name=op.f("ck_approval_rule_amount")),
        sa.CheckConstraint("btrim(department) <> ''", name=op.f("ck_approval_rule_department")),
        sa.ForeignKeyConstraint(
            ["tenant_id"],
            ["tenant.id"],
            name=op.f("fk_approval_rule_tenant_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_approval_rule")),
    )
    op.create_index(
        "uq_approval_rule",
        "approval_rule",
        ["tenant_id", "department_key", "currency"],
        unique=True,
        postgresql_nulls_not_distinct=True,
        postgresql_where=sa.text("is_active"),
    )


def _entries() -> None:
    for name in ("amount", "kind", "from_bucket", "to_bucket"):
        op.drop_constraint(op.f(f"ck_ledger_entry_{name}"), "ledger_entry", type_="check")
    op.drop_constraint(
        op.f("fk_ledger_entry_tenant_id_account_id"), "ledger_entry", type_="foreignkey"
    )
    op.drop_column("ledger_entry", "delta_used")
    op.execute(
        "alter table ledger_entry alter kind type ledger_kind,"
        " alter from_bucket type ledger_bucket, alter to_bucket type ledger_bucket"
    )
    op.create_check_constraint(
        op.f("ck_ledger_entry_move"), "ledger_entry", "amount > 0 and from_bucket <> to_bucket"
    )
    op.create_index(
        "ix_ledger_entry_reference",
        "ledger_entry",
        ["tenant_id", "ref_type", "ref_id"],
        postgresql_where=sa.text("ref_type <> 'import'"),
    )


def _holds() -> None:
    for name in ("stage", "state", "amount", "used_up"):
        op.drop_constraint(op.f(f"ck_hold_{name}"), "hold", type_="check")
    op.drop_constraint(op.f("fk_hold_tenant_id_account_id"), "hold", type_="foreignkey")
    op.add_column(
        "hold",
        sa.Column("refunded", sa.Numeric(20, 4), server_default=sa.text("0"), nullable=False),
    )
    op.drop_index("ix_hold_expiring", "hold")
    op.drop_index("ix_hold_account", "hold")
    for column in ("stage", "state"):
        op.execute(f"alter table hold alter {column} drop default")
        op.execute(f"alter table hold alter {column} type hold_{column}")
    op.execute(
        "alter table hold alter stage set default 'reserved', alter state set default 'open'"
    )
    op.create_index(
        "ix_hold_expiring",
        "hold",
        ["tenant_id", "expires_at"],
        postgresql_where=sa.text("state = 'open' and expires_at is not null"),
    )
    op.create_index(
        "ix_hold_account",
        "hold",
        ["tenant_id", "account_id"],
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_check_constraint(
        op.f("ck_hold_used_up"),
        "hold",
        "amount > 0 and charged >= 0 and released >= 0 and charged + released <= amount"
        " and refunded between 0 and charged",
    )


def _accounts() -> None:
    op.execute("drop view if exists budget_balance cascade")
    # Functions that have others in their place now.
    op.execute("drop function if exists ledger_lock_for_hold(uuid, text, text)")
    op.execute("drop function if exists ledger_hold_refusal(budget_account, hold, numeric)")
    op.execute("drop function if exists ledger_tell_crossing(budget_account, budget_account)")
    op.execute(
        "drop function if exists ledger_release(uuid, text, text, numeric, text, text, bytea, text)"
    )
    for name in ("reserved", "committed"):
        op.drop_constraint(op.f(f"ck_budget_account_{name}"), "budget_account", type_="check")
    op.create_check_constraint(
        op.f("ck_budget_account_open_holds"), "budget_account", "reserved >= 0 and committed >= 0"
    )
    op.drop_column("budget_account", "available")
    op.add_column(
        "budget_account",
        sa.Column("rolled_up", sa.Numeric(20, 4), server_default=sa.text("0"), nullable=False),
    )
    op.add_column(
        "budget_account",
        sa.Column(
            "controllers", sa.ARRAY(sa.UUID()), server_default=sa.text("'{}'"), nullable=False
        ),
    )
    op.add_column(
        "budget_account",
        sa.Column(
            "available",
            sa.Numeric(20, 4),
            sa.Computed("authorized - reserved - committed - spent - rolled_up", persisted=True),
            nullable=False,
        ),
    )
