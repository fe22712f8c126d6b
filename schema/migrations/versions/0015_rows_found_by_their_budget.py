"""The rows of an import that went into a budget are found by an index"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_import_row_budget",
        "import_row",
        ["tenant_id", "import_id", "budget_id"],
        postgresql_where=sa.text("action in ('create', 'update')"),
    )


def downgrade() -> None:
    op.drop_index("ix_import_row_budget", "import_row")
