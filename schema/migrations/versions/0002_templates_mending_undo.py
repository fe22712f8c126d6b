"""Remembered mappings, mended rows, consequences and undo of imports"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

JSON = postgresql.JSONB(astext_type=sa.Text())
EMPTY = sa.text("'{}'")
NOW = sa.text("now()")


def _time(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=NOW, nullable=False)


def upgrade() -> None:
    op.create_table(
        "mapping_template",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("headers", JSON, nullable=False),
        sa.Column("targets", JSON, nullable=False),
        sa.Column("defaults", JSON, server_default=EMPTY, nullable=False),
        sa.Column("answers", JSON, server_default=EMPTY, nullable=False),
        sa.Column("force_kind", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("updated_by", sa.Text(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), server_default=sa.text("uuid_v7()"), nullable=False),
        sa.Column("row_version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        _time("created_at"),
        _time("updated_at"),
        sa.CheckConstraint(
            "jsonb_array_length(headers) = jsonb_array_length(targets)",
            name=op.f("ck_mapping_template_targets"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"],
            ["tenant.id"],
            name=op.f("fk_mapping_template_tenant_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_mapping_template")),
    )
    op.create_index(
        "uq_mapping_template_fingerprint",
        "mapping_template",
        ["tenant_id", "fingerprint"],
        unique=True,
        postgresql_where=sa.text("deleted_at is null"),
    )
    op.create_table(
        "mapping_template_version",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("template_id", sa.UUID(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content", JSON, nullable=False),
        sa.Column("replay", JSON, server_default=EMPTY, nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        _time("changed_at"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "template_id"],
            ["mapping_template.tenant_id", "mapping_template.id"],
            name=op.f("fk_mapping_template_version_tenant_id_template_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id", "template_id", "version", name=op.f("pk_mapping_template_version")
        ),
    )
    op.add_column("import_run", sa.Column("answers", JSON, server_default=EMPTY, nullable=False))
    op.add_column("import_run", sa.Column("header_fingerprint", sa.LargeBinary(), nullable=True))
    op.create_index(
        "ix_import_run_headers",
        "import_run",
        ["tenant_id", "header_fingerprint", "created_at"],
        unique=False,
        postgresql_where=sa.text("header_fingerprint is not null"),
    )
    op.add_column("import_run", sa.Column("template_id", sa.UUID(), nullable=True))
    op.add_column("import_run", sa.Column("template_version", sa.Integer(), nullable=True))
    op.add_column("import_run", sa.Column("continues_id", sa.UUID(), nullable=True))
    op.add_column(
        "import_run", sa.Column("consequences", JSON, server_default=EMPTY, nullable=False)
    )
    op.add_column("import_run", sa.Column("undo", JSON, nullable=True))
    op.add_column(
        "import_run",
        sa.Column("history", JSON, server_default=sa.text("'[]'"), nullable=False),
    )
    op.add_column(
        "import_run",
        sa.Column(
            "allow_below_used", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
    )
    op.create_index(
        "ix_import_run_continues",
        "import_run",
        ["tenant_id", "continues_id"],
        unique=False,
        postgresql_where=sa.text("continues_id is not null"),
    )
