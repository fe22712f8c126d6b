"""Budgets that recur, periods that close, and what a job found

An account belongs to one period of its budget and follows the one before it; a job may keep what it
came to.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _accounts()
    op.add_column("fiscal_period", sa.Column("calendar", sa.Text()))
    op.add_column("job", sa.Column("result", postgresql.JSONB()))
    op.create_table(
        "budget_recurrence",
        sa.Column("period_type", sa.Text(), nullable=False),
        sa.Column("reset_day", sa.SmallInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("calendar", sa.Text()),
        sa.Column("rollover", sa.Text(), server_default="reset", nullable=False),
        sa.Column("rollover_cap", sa.Numeric(20, 4)),
        sa.Column("allowance", sa.Numeric(20, 4)),
        sa.Column("next_on", sa.Date()),
        sa.Column("failure", sa.Text()),
        sa.Column("retry_at", sa.DateTime(timezone=True)),
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
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
        sa.CheckConstraint(
            "period_type in ('once', 'monthly', 'quarterly', 'yearly', 'rolling', 'custom')",
            name=op.f("ck_budget_recurrence_period_type"),
        ),
        sa.CheckConstraint(
            "rollover in ('reset', 'carry_unspent', 'carry_commitments', 'carry_deficit',"
            " 'carry_all')",
            name=op.f("ck_budget_recurrence_rollover"),
        ),
        sa.CheckConstraint(
            "reset_day between 1 and 31 and rollover_cap >= 0 and allowance >= 0"
            " and (period_type = 'custom') = (calendar is not null)",
            name=op.f("ck_budget_recurrence_values"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "id"],
            ["budget.tenant_id", "budget.id"],
            name=op.f("fk_budget_recurrence_tenant_id_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_budget_recurrence")),
    )
    op.create_index(
        "ix_budget_recurrence_due",
        "budget_recurrence",
        ["tenant_id", "next_on"],
        postgresql_where=sa.text("next_on is not null"),
    )


def _accounts() -> None:
    for column in (
        sa.Column("period_code", sa.Text()),
        sa.Column("period_starts_on", sa.Date()),
        sa.Column("opened_at", sa.DateTime(timezone=True)),
        sa.Column("follows", sa.UUID()),
        sa.Column("period_state", sa.Text()),
    ):
        op.add_column("budget_account", column)
    # Only for accounts that no reservation looks up, so that these have one way to be found.
    op.create_index(
        "ix_budget_account_closed",
        "budget_account",
        ["tenant_id", "budget_id", "closed_at"],
        postgresql_where=sa.text("closed_at is not null"),
    )
    op.create_index(
        "ix_budget_account_ended",
        "budget_account",
        ["tenant_id", "closed_at"],
        postgresql_where=sa.text("closed_at is not null"),
    )
    op.create_index(
        "ix_budget_account_follows",
        "budget_account",
        ["tenant_id", "follows"],
        unique=True,
        postgresql_where=sa.text("follows is not null"),
    )
