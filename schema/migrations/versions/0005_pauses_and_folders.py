"""Pauses of sources and schedules, and folders of this machine as sources"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("tenant", sa.Column("sources_paused_at", sa.DateTime(timezone=True)))
    op.add_column("tenant", sa.Column("sources_paused_by", sa.Text()))
    op.add_column("schedule", sa.Column("paused_at", sa.DateTime(timezone=True)))
    op.drop_constraint(op.f("ck_source_type"), "source", type_="check")
    op.create_check_constraint(
        op.f("ck_source_type"), "source", "type in ('sftp', 's3', 'sheets', 'folder')"
    )
    op.drop_constraint(op.f("ck_source_run_trigger"), "source_run", type_="check")
    op.create_check_constraint(
        op.f("ck_source_run_trigger"),
        "source_run",
        "trigger in ('schedule', 'manual', 'follow_up', 'retry')",
    )
    op.create_index(
        "ix_source_due",
        "source",
        [sa.text("least(next_due_at, next_expected_at)")],
        postgresql_where=sa.text("is_active and deleted_at is null"),
    )
    op.create_index(
        "ix_source_file_failed",
        "source_file",
        ["tenant_id", "import_id"],
        unique=False,
        postgresql_where=sa.text("state = 'failed' and import_id is not null"),
    )
