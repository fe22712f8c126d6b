"""Sources that files come from by themselves"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

JSON = postgresql.JSONB(astext_type=sa.Text())


def upgrade() -> None:
    op.create_table(
        "source",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("config", JSON, nullable=False),
        sa.Column("schedule", sa.Text(), nullable=True),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("expected_by", sa.Text(), nullable=True),
        sa.Column("drift_policy", sa.Text(), server_default="ask", nullable=False),
        sa.Column("mode", sa.Text(), server_default="all_or_nothing", nullable=False),
        sa.Column("mapping_template_id", sa.UUID(), nullable=True),
        sa.Column("defaults", JSON, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("after_action", sa.Text(), server_default="leave", nullable=False),
        sa.Column("settle_seconds", sa.Integer(), server_default=sa.text("60"), nullable=False),
        sa.Column("next_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_expected_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_sync_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_success_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_file_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failures", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stale_policy", sa.Text(), server_default="manual", nullable=False),
        sa.Column("is_stale", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.CheckConstraint(
            "stale_policy in ('ignore', 'manual', 'refuse')", name=op.f("ck_source_stale_policy")
        ),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
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
        sa.CheckConstraint(
            "after_action in ('leave', 'move', 'tag')", name=op.f("ck_source_after_action")
        ),
        sa.CheckConstraint(
            "drift_policy in ('ask', 'evolve', 'freeze')", name=op.f("ck_source_drift_policy")
        ),
        sa.CheckConstraint(
            "mode in ('all_or_nothing', 'skip_errors')", name=op.f("ck_source_mode")
        ),
        sa.CheckConstraint("type in ('sftp', 's3', 'sheets')", name=op.f("ck_source_type")),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_source_tenant_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_source")),
    )
    op.create_index(
        "ix_source_active", "source", ["tenant_id", "is_active", "next_due_at"], unique=False
    )
    op.create_index(
        "uq_source_name",
        "source",
        ["tenant_id", sa.literal_column("lower(name)")],
        unique=True,
        postgresql_where=sa.text("deleted_at is null"),
    )
    op.create_table(
        "source_file",
        sa.Column("source_id", sa.UUID(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("revision", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=True),
        sa.Column("modified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.Text(), server_default="settling", nullable=False),
        sa.Column(
            "last_seen_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("file_id", sa.UUID(), nullable=True),
        sa.Column("import_id", sa.UUID(), nullable=True),
        sa.Column("error", JSON, nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
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
        sa.CheckConstraint(
            "state in ('settling', 'ready', 'taken', 'importing', 'waiting', 'imported', 'failed', 'skipped')",
            name=op.f("ck_source_file_state"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "source_id"],
            ["source.tenant_id", "source.id"],
            name=op.f("fk_source_file_tenant_id_source_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_source_file")),
    )
    op.create_index(
        "ix_source_file_going",
        "source_file",
        ["tenant_id", "source_id"],
        unique=False,
        postgresql_where=sa.text("state in ('importing', 'waiting')"),
    )
    op.create_index(
        "ix_source_file_import",
        "source_file",
        ["tenant_id", "import_id"],
        unique=False,
        postgresql_where=sa.text("import_id is not null"),
    )
    op.create_index(
        "ix_source_file_newest",
        "source_file",
        ["tenant_id", "source_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        "uq_source_file", "source_file", ["tenant_id", "source_id", "path", "revision"], unique=True
    )
    op.create_table(
        "source_run",
        sa.Column("source_id", sa.UUID(), nullable=False),
        sa.Column("trigger", sa.Text(), nullable=False),
        sa.Column(
            "due_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("job_id", sa.UUID(), nullable=True),
        sa.Column("state", sa.Text(), server_default="queued", nullable=False),
        sa.Column("files_seen", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("files_taken", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("files_failed", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("error", JSON, nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
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
        sa.CheckConstraint(
            "state in ('queued', 'running', 'succeeded', 'partial', 'failed', 'skipped')",
            name=op.f("ck_source_run_state"),
        ),
        sa.CheckConstraint(
            "trigger in ('schedule', 'manual', 'follow_up')", name=op.f("ck_source_run_trigger")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "source_id"],
            ["source.tenant_id", "source.id"],
            name=op.f("fk_source_run_tenant_id_source_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_source_run")),
    )
    op.create_index(
        "ix_source_run_newest",
        "source_run",
        ["tenant_id", "source_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        "uq_source_run_due",
        "source_run",
        ["tenant_id", "source_id", "due_at", "trigger"],
        unique=True,
    )
    op.create_table(
        "source_secret",
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
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
        sa.ForeignKeyConstraint(
            ["tenant_id", "id"],
            ["source.tenant_id", "source.id"],
            name=op.f("fk_source_secret_tenant_id_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_source_secret")),
    )
