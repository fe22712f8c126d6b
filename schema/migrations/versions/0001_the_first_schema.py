"""The first schema"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "action_idempotency",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("headers", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("result", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("tenant_id", "key", name=op.f("pk_action_idempotency")),
    )
    op.create_index(
        "ix_action_idempotency_age", "action_idempotency", ["tenant_id", "created_at"], unique=False
    )
    op.create_table(
        "app_user",
        sa.Column("id", sa.UUID(), server_default=sa.text("uuid_v7()"), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
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
        sa.PrimaryKeyConstraint("id", name=op.f("pk_app_user")),
    )
    op.create_index(
        "uq_app_user_email", "app_user", [sa.literal_column("lower(email)")], unique=True
    )
    op.create_table(
        "audit_log",
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("object_type", sa.Text(), nullable=False),
        sa.Column("object_id", sa.UUID(), nullable=True),
        sa.Column("from_state", sa.Text(), nullable=True),
        sa.Column("to_state", sa.Text(), nullable=True),
        sa.Column("diff", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("metadata", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), server_default=sa.text("uuid_v7()"), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_audit_log")),
    )
    op.create_index(
        "ix_audit_log_object",
        "audit_log",
        ["tenant_id", "object_type", "object_id", "recorded_at"],
        unique=False,
    )
    op.create_table(
        "check_decision",
        sa.Column("budget_id", sa.UUID(), nullable=True),
        sa.Column("amount", sa.Numeric(precision=20, scale=4), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("available", sa.Numeric(precision=20, scale=4), nullable=True),
        sa.Column("account_seq", sa.BigInteger(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column(
            "decided_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), server_default=sa.text("uuid_v7()"), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_check_decision")),
    )
    op.create_index(
        "ix_check_decision_budget",
        "check_decision",
        ["tenant_id", "budget_id", "decided_at"],
        unique=False,
    )
    op.create_table(
        "currency",
        sa.Column("code", sa.CHAR(length=3), nullable=False),
        sa.Column("decimals", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_currency")),
    )
    op.create_table(
        "heartbeat",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column(
            "details",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_heartbeat")),
    )
    op.create_table(
        "import_row",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("import_id", sa.UUID(), nullable=False),
        sa.Column("row_no", sa.Integer(), nullable=False),
        sa.Column("part", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("budget_id", sa.UUID(), nullable=True),
        sa.Column("department", sa.Text(), nullable=True),
        sa.Column("sub_category", sa.Text(), nullable=True),
        sa.Column("fiscal_period", sa.Text(), nullable=True),
        sa.Column("currency", sa.CHAR(length=3), nullable=True),
        sa.Column("amount", sa.Numeric(precision=20, scale=4), nullable=True),
        sa.Column("before_amount", sa.Numeric(precision=20, scale=4), nullable=True),
        sa.Column("after_amount", sa.Numeric(precision=20, scale=4), nullable=True),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("errors", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.CheckConstraint(
            "action in ('create', 'update', 'unchanged', 'rejected')",
            name=op.f("ck_import_row_action"),
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id", "import_id", "row_no", "part", name=op.f("pk_import_row")
        ),
    )
    op.create_table(
        "job_attempt",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("job_id", sa.UUID(), nullable=False),
        sa.Column("attempt_no", sa.Integer(), nullable=False),
        sa.Column("worker", sa.Text(), nullable=False),
        sa.Column(
            "started_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("error", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "job_id", "attempt_no", name=op.f("pk_job_attempt")),
    )
    op.create_table(
        "outbox",
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), server_default=sa.text("uuid_v7()"), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_outbox")),
    )
    op.create_index(
        "ix_outbox_waiting",
        "outbox",
        ["tenant_id", "created_at"],
        unique=False,
        postgresql_where=sa.text("published_at is null"),
    )
    op.create_table(
        "schedule",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("every_seconds", sa.Integer(), nullable=False),
        sa.Column(
            "next_due_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("paused", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_schedule")),
    )
    op.create_table(
        "schedule_run",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "started_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("name", "due_at", name=op.f("pk_schedule_run")),
    )
    op.create_table(
        "tenant",
        sa.Column("id", sa.UUID(), server_default=sa.text("uuid_v7()"), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("base_currency", sa.CHAR(length=3), server_default="USD", nullable=False),
        sa.Column(
            "allowed_currencies",
            postgresql.ARRAY(sa.Text()),
            server_default=sa.text("'{USD,ZWG}'"),
            nullable=False,
        ),
        sa.Column("time_zone", sa.Text(), server_default="UTC", nullable=False),
        sa.Column(
            "fiscal_start_month", sa.SmallInteger(), server_default=sa.text("1"), nullable=False
        ),
        sa.Column(
            "settings",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
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
            "fiscal_start_month between 1 and 12", name=op.f("ck_tenant_fiscal_start_month")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tenant")),
    )
    op.create_index("uq_tenant_slug", "tenant", ["slug"], unique=True)
    op.create_table(
        "alert",
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        sa.Column("budget_id", sa.UUID(), nullable=True),
        sa.Column("utilization_percent", sa.Numeric(precision=12, scale=4), nullable=True),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column(
            "details",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("dedup_key", sa.Text(), nullable=False),
        sa.Column("acknowledged_by", sa.Text(), nullable=True),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolved_by", sa.Text(), nullable=True),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
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
            "severity in ('info', 'warning', 'critical')", name=op.f("ck_alert_severity")
        ),
        sa.CheckConstraint(
            "state in ('open', 'acknowledged', 'resolved')", name=op.f("ck_alert_state")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_alert_tenant_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_alert")),
    )
    op.create_index("ix_alert_newest", "alert", ["tenant_id", "created_at", "id"], unique=False)
    op.create_index(
        "uq_alert_open",
        "alert",
        ["tenant_id", "dedup_key"],
        unique=True,
        postgresql_where=sa.text("state <> 'resolved'"),
    )
    op.create_table(
        "api_key",
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("hint", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column(
            "scopes", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
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
            "role in ('admin', 'fpa', 'approver', 'member', 'partner', 'auditor', 'service')",
            name=op.f("ck_api_key_role"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_api_key_tenant_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_api_key")),
    )
    op.create_index("uq_api_key_hash", "api_key", ["tenant_id", "key_hash"], unique=True)
    op.create_table(
        "fiscal_period",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        sa.Column(
            "aliases", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False
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
        sa.CheckConstraint(
            "kind in ('year', 'quarter', 'month', 'custom')", name=op.f("ck_fiscal_period_kind")
        ),
        sa.CheckConstraint(
            "state in ('open', 'soft_closed', 'closed')", name=op.f("ck_fiscal_period_state")
        ),
        sa.CheckConstraint("starts_on <= ends_on", name=op.f("ck_fiscal_period_order")),
        sa.ForeignKeyConstraint(
            ["tenant_id"],
            ["tenant.id"],
            name=op.f("fk_fiscal_period_tenant_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_fiscal_period")),
    )
    op.create_index("uq_fiscal_period_code", "fiscal_period", ["tenant_id", "code"], unique=True)
    op.create_table(
        "job",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="queued", nullable=False),
        sa.Column(
            "payload",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("stage", sa.Text(), nullable=True),
        sa.Column("progress_done", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("progress_total", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("max_attempts", sa.Integer(), server_default=sa.text("3"), nullable=False),
        sa.Column(
            "run_after", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("rung_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_token", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("worker", sa.Text(), nullable=True),
        sa.Column(
            "cancel_requested", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        sa.Column("dedup_key", sa.Text(), nullable=True),
        sa.Column("error", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
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
            "state in ('queued', 'running', 'retrying', 'succeeded', 'failed', 'dead', 'cancelled')",
            name=op.f("ck_job_state"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_job_tenant_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_job")),
    )
    op.create_index(
        "ix_job_live",
        "job",
        ["tenant_id", "run_after"],
        unique=False,
        postgresql_where=sa.text("state in ('queued', 'running', 'retrying')"),
    )
    op.create_index("ix_job_newest", "job", ["tenant_id", "created_at", "id"], unique=False)
    op.create_index(
        "uq_job_dedup",
        "job",
        ["tenant_id", "dedup_key"],
        unique=True,
        postgresql_where=sa.text(
            "dedup_key is not null and state in ('queued', 'running', 'retrying')"
        ),
    )
    op.create_table(
        "membership",
        sa.Column("user_id", sa.UUID(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("scope_budget_id", sa.UUID(), nullable=True),
        sa.Column("party_id", sa.UUID(), nullable=True),
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
            "role in ('admin', 'fpa', 'approver', 'member', 'partner', 'auditor', 'service')",
            name=op.f("ck_membership_role"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_membership_tenant_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_membership")),
    )
    op.create_index("uq_membership_user", "membership", ["tenant_id", "user_id"], unique=True)
    op.create_table(
        "stored_file",
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), server_default=sa.text("uuid_v7()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_stored_file_tenant_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_stored_file")),
    )
    op.create_index("ix_stored_file_sha256", "stored_file", ["tenant_id", "sha256"], unique=False)
    op.create_table(
        "budget",
        sa.Column("kind", sa.Text(), server_default="department", nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("sub_category", sa.Text(), nullable=True),
        sa.Column("account_code", sa.Text(), nullable=True),
        sa.Column("program", sa.Text(), nullable=True),
        sa.Column("project", sa.Text(), nullable=True),
        sa.Column("fund", sa.Text(), nullable=True),
        sa.Column("fiscal_period", sa.Text(), nullable=False),
        sa.Column("period_id", sa.UUID(), nullable=False),
        sa.Column("parent_id", sa.UUID(), nullable=True),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("status", sa.Text(), server_default="active", nullable=False),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("external_ref", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), server_default="manual", nullable=False),
        sa.Column("import_id", sa.UUID(), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "department_key",
            sa.Text(),
            sa.Computed("lower(btrim(department))", persisted=True),
            nullable=False,
        ),
        sa.Column(
            "sub_category_key",
            sa.Text(),
            sa.Computed("lower(btrim(coalesce(sub_category, '')))", persisted=True),
            nullable=False,
        ),
        sa.Column(
            "dimensions_key",
            sa.Text(),
            sa.Computed(
                "lower(kind || chr(31) || coalesce(account_code, '') || chr(31) || coalesce(program, '') || chr(31) || coalesce(project, '') || chr(31) || coalesce(fund, ''))",
                persisted=True,
            ),
            nullable=False,
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
        sa.CheckConstraint("btrim(department) <> ''", name=op.f("ck_budget_department")),
        sa.CheckConstraint(
            "kind in ('department', 'partner', 'program', 'event', 'campaign')",
            name=op.f("ck_budget_kind"),
        ),
        sa.CheckConstraint(
            "status in ('planned', 'active', 'frozen', 'finalized', 'archived')",
            name=op.f("ck_budget_status"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "parent_id"],
            ["budget.tenant_id", "budget.id"],
            name=op.f("fk_budget_tenant_id_parent_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "period_id"],
            ["fiscal_period.tenant_id", "fiscal_period.id"],
            name=op.f("fk_budget_tenant_id_period_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_budget")),
    )
    op.create_index(
        "ix_budget_import",
        "budget",
        ["tenant_id", "import_id"],
        unique=False,
        postgresql_where=sa.text("import_id is not null"),
    )
    op.create_index("ix_budget_newest", "budget", ["tenant_id", "created_at", "id"], unique=False)
    op.create_index(
        "uq_budget_natural_key",
        "budget",
        [
            "tenant_id",
            "department_key",
            "sub_category_key",
            "fiscal_period",
            "currency",
            "dimensions_key",
        ],
        unique=True,
        postgresql_where=sa.text("deleted_at is null"),
    )
    op.create_table(
        "import_run",
        sa.Column("file_id", sa.UUID(), nullable=False),
        sa.Column("job_id", sa.UUID(), nullable=True),
        sa.Column("state", sa.Text(), server_default="received", nullable=False),
        sa.Column("source_type", sa.Text(), server_default="upload", nullable=False),
        sa.Column("mode", sa.Text(), server_default="all_or_nothing", nullable=False),
        sa.Column("apply", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("force_kind", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("sheet", sa.Text(), nullable=True),
        sa.Column("header_row", sa.Integer(), nullable=True),
        sa.Column("mapping", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column(
            "defaults",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("analysis", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=True),
        sa.Column("total_rows", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_rows", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("updated_rows", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("unchanged_rows", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("rejected_rows", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "amounts",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column(
            "warnings",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'"),
            nullable=False,
        ),
        sa.Column("error", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("duplicate_of", sa.UUID(), nullable=True),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
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
            "mode in ('all_or_nothing', 'skip_errors')", name=op.f("ck_import_run_mode")
        ),
        sa.CheckConstraint(
            "state in ('received', 'profiled', 'awaiting_mapping', 'planned', 'applying', 'completed', 'completed_with_errors', 'failed', 'cancelled', 'undone')",
            name=op.f("ck_import_run_state"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "file_id"],
            ["stored_file.tenant_id", "stored_file.id"],
            name=op.f("fk_import_run_tenant_id_file_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_import_run_tenant_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_import_run")),
    )
    op.create_index(
        "ix_import_run_newest", "import_run", ["tenant_id", "created_at", "id"], unique=False
    )
    op.create_index(
        "ix_import_run_state", "import_run", ["tenant_id", "state", "created_at"], unique=False
    )
    op.create_index(
        "uq_import_run_live_fingerprint",
        "import_run",
        ["tenant_id", "fingerprint"],
        unique=True,
        postgresql_where=sa.text("state in ('completed', 'completed_with_errors', 'applying')"),
    )
    op.create_table(
        "budget_account",
        sa.Column("budget_id", sa.UUID(), nullable=False),
        sa.Column("line_key", sa.Text(), nullable=True),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("decimals", sa.SmallInteger(), nullable=False),
        sa.Column(
            "authorized",
            sa.Numeric(precision=20, scale=4),
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.Column(
            "allotted",
            sa.Numeric(precision=20, scale=4),
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.Column(
            "reserved",
            sa.Numeric(precision=20, scale=4),
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.Column(
            "committed",
            sa.Numeric(precision=20, scale=4),
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.Column(
            "spent", sa.Numeric(precision=20, scale=4), server_default=sa.text("0"), nullable=False
        ),
        sa.Column(
            "used",
            sa.Numeric(precision=20, scale=4),
            sa.Computed("reserved + committed + spent", persisted=True),
            nullable=False,
        ),
        sa.Column(
            "available",
            sa.Numeric(precision=20, scale=4),
            sa.Computed("authorized - reserved - committed - spent", persisted=True),
            nullable=False,
        ),
        sa.Column("control_mode", sa.Text(), server_default="absolute", nullable=False),
        sa.Column(
            "soft_cap_pct",
            sa.Numeric(precision=12, scale=4),
            server_default=sa.text("80"),
            nullable=False,
        ),
        sa.Column(
            "approach_pct",
            sa.Numeric(precision=12, scale=4),
            server_default=sa.text("95"),
            nullable=False,
        ),
        sa.Column(
            "tolerance_pct",
            sa.Numeric(precision=12, scale=4),
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.Column("hard_cap_amount", sa.Numeric(precision=20, scale=4), nullable=True),
        sa.Column("frozen", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("entry_seq", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("head_hash", sa.LargeBinary(), nullable=True),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), server_default=sa.text("uuid_v7()"), nullable=False),
        sa.CheckConstraint(
            "control_mode in ('none', 'advisory', 'absolute')",
            name=op.f("ck_budget_account_control_mode"),
        ),
        sa.CheckConstraint("committed >= 0", name=op.f("ck_budget_account_committed")),
        sa.CheckConstraint("reserved >= 0", name=op.f("ck_budget_account_reserved")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "budget_id"],
            ["budget.tenant_id", "budget.id"],
            name=op.f("fk_budget_account_tenant_id_budget_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_budget_account")),
    )
    op.create_index(
        "uq_budget_account_open",
        "budget_account",
        ["tenant_id", "budget_id", "line_key"],
        unique=True,
        postgresql_nulls_not_distinct=True,
        postgresql_where=sa.text("closed_at is null"),
    )
    op.create_table(
        "hold",
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("budget_id", sa.UUID(), nullable=False),
        sa.Column("ref_type", sa.Text(), nullable=False),
        sa.Column("ref_id", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), server_default="reserved", nullable=False),
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        sa.Column("amount", sa.Numeric(precision=20, scale=4), nullable=False),
        sa.Column(
            "charged",
            sa.Numeric(precision=20, scale=4),
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.Column(
            "released",
            sa.Numeric(precision=20, scale=4),
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.Column(
            "remaining",
            sa.Numeric(precision=20, scale=4),
            sa.Computed("amount - charged - released", persisted=True),
            nullable=False,
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
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
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), server_default=sa.text("uuid_v7()"), nullable=False),
        sa.CheckConstraint("stage in ('reserved', 'committed')", name=op.f("ck_hold_stage")),
        sa.CheckConstraint(
            "state in ('open', 'charged', 'released', 'expired')", name=op.f("ck_hold_state")
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_hold_amount")),
        sa.CheckConstraint(
            "charged >= 0 and released >= 0 and charged + released <= amount",
            name=op.f("ck_hold_used_up"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "account_id"],
            ["budget_account.tenant_id", "budget_account.id"],
            name=op.f("fk_hold_tenant_id_account_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_hold")),
    )
    op.create_index("ix_hold_account", "hold", ["tenant_id", "account_id", "state"], unique=False)
    op.create_index(
        "ix_hold_expiring",
        "hold",
        ["tenant_id", "expires_at"],
        unique=False,
        postgresql_where=sa.text("state = 'open' and expires_at is not null"),
    )
    op.create_index("uq_hold_reference", "hold", ["tenant_id", "ref_type", "ref_id"], unique=True)
    op.create_table(
        "ledger_entry",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "effective_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("from_bucket", sa.Text(), nullable=False),
        sa.Column("to_bucket", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=20, scale=4), nullable=False),
        sa.Column(
            "delta_used",
            sa.Numeric(precision=20, scale=4),
            sa.Computed(
                "case when to_bucket in ('reserved', 'committed', 'spent') then amount else 0 end - case when from_bucket in ('reserved', 'committed', 'spent') then amount else 0 end",
                persisted=True,
            ),
            nullable=False,
        ),
        sa.Column("ref_type", sa.Text(), nullable=True),
        sa.Column("ref_id", sa.Text(), nullable=True),
        sa.Column("import_id", sa.UUID(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint(
            "from_bucket in ('external', 'available', 'reserved', 'committed', 'spent')",
            name=op.f("ck_ledger_entry_from_bucket"),
        ),
        sa.CheckConstraint(
            "kind in ('fund', 'adjust', 'transfer_in', 'transfer_out', 'carry_in', 'carry_out', 'reserve', 'commit', 'charge', 'release', 'expire', 'refund', 'reverse')",
            name=op.f("ck_ledger_entry_kind"),
        ),
        sa.CheckConstraint(
            "to_bucket in ('external', 'available', 'reserved', 'committed', 'spent') and to_bucket <> from_bucket",
            name=op.f("ck_ledger_entry_to_bucket"),
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_ledger_entry_amount")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "account_id"],
            ["budget_account.tenant_id", "budget_account.id"],
            name=op.f("fk_ledger_entry_tenant_id_account_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id", "account_id", "seq", "recorded_at", name=op.f("pk_ledger_entry")
        ),
        postgresql_partition_by="RANGE (recorded_at)",
    )
    op.execute("create table ledger_entry_default partition of ledger_entry default")
    op.create_table("schema_scripts", sa.Column("checksum", sa.Text(), nullable=False))


def downgrade() -> None:
    raise RuntimeError("The first schema holds all data; drop the database instead.")
