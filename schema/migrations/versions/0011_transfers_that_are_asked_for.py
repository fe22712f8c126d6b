"""Rules for transfers, and transfers that wait for somebody's approval"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column(
        "approval_rule", sa.Column("covers", sa.Text(), server_default="checks", nullable=False)
    )
    op.create_check_constraint(
        op.f("ck_approval_rule_covers"), "approval_rule", "covers in ('checks', 'transfers')"
    )
    op.drop_index("uq_approval_rule", "approval_rule")
    op.create_index(
        "uq_approval_rule",
        "approval_rule",
        ["tenant_id", "covers", "department_key", "currency"],
        unique=True,
        postgresql_nulls_not_distinct=True,
        postgresql_where=sa.text("is_active"),
    )
    op.create_table(
        "transfer_request",
        sa.Column("giving_id", sa.UUID(), nullable=False),
        sa.Column("taking_id", sa.UUID(), nullable=False),
        sa.Column("amount", sa.Numeric(20, 4), nullable=False),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="pending", nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text()),
        sa.Column("decided_at", MOMENT),
        sa.Column("decision_reason", sa.Text()),
        sa.Column("ref_id", sa.Text()),
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), server_default=sa.text("uuid_v7()"), nullable=False),
        sa.Column("row_version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("created_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "state in ('pending', 'approved', 'rejected')", name=op.f("ck_transfer_request_state")
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_transfer_request_amount")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "giving_id"],
            ["budget.tenant_id", "budget.id"],
            name=op.f("fk_transfer_request_tenant_id_giving_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "taking_id"],
            ["budget.tenant_id", "budget.id"],
            name=op.f("fk_transfer_request_tenant_id_taking_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_transfer_request")),
    )
    op.create_index(
        "ix_transfer_request_newest", "transfer_request", ["tenant_id", "created_at", "id"]
    )
