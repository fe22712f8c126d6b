"""Lists that read less: filters of budgets, alerts, jobs and rejected rows have an index each"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

NEWEST = ("created_at", "id")
INDEXES = (
    ("ix_budget_period", "budget", ("fiscal_period", *NEWEST), None),
    ("ix_budget_status", "budget", ("status", *NEWEST), "status <> 'active'"),
    ("ix_budget_kind", "budget", ("kind", *NEWEST), "kind <> 'department'"),
    ("ix_alert_type", "alert", ("type", *NEWEST), None),
    ("ix_job_state", "job", ("state", *NEWEST), None),
    ("ix_job_kind", "job", ("kind", *NEWEST), None),
    (
        "ix_import_row_rejected",
        "import_row",
        ("import_id", "row_no", "part"),
        "action = 'rejected'",
    ),
)


def upgrade() -> None:
    for name, table, columns, where in INDEXES:
        op.create_index(
            name, table, ["tenant_id", *columns], postgresql_where=where and sa.text(where)
        )
