"""What PostgreSQL reads anew for each statement leaves the tables of the ledger

Checks become domains and a trigger, generated columns become functions of the row, and a hold is
known by its reference alone.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

DOMAINS = {
    "money_moved": "numeric(20, 4) check (value > 0)",
    "money_held": "numeric(20, 4) check (value >= 0)",
    "control_mode": "text check (value in ('none', 'advisory', 'absolute'))",
}
CHECKS = {
    "budget_account": ("control_mode", "open_holds"),
    "ledger_entry": ("move",),
    "hold": ("used_up",),
}


def upgrade() -> None:
    for name, meaning in DOMAINS.items():
        op.execute(f"create domain {name} as {meaning}")
    # Made anew with the other functions and views, after the migrations.
    op.execute("drop view if exists budget_balance cascade")
    op.execute("drop trigger if exists audit_control on budget_account")
    op.execute("drop function if exists report_trapped(uuid, uuid, timestamptz)")
    for table, names in CHECKS.items():
        for name in names:
            op.drop_constraint(op.f(f"ck_{table}_{name}"), table, type_="check")
    op.drop_column("budget_account", "used")
    op.drop_column("budget_account", "available")
    op.execute("alter table budget_account alter control_mode drop default")
    op.execute(
        "alter table budget_account alter control_mode type control_mode,"
        " alter reserved type money_held, alter committed type money_held"
    )
    op.execute("alter table budget_account alter control_mode set default 'absolute'")
    op.execute("alter table ledger_entry alter amount type money_moved")
    _holds()


def _holds() -> None:
    op.drop_column("hold", "remaining")
    op.drop_constraint(op.f("pk_hold"), "hold", type_="primary")
    op.drop_column("hold", "id")
    op.drop_index("uq_hold_reference", "hold")
    op.create_primary_key(op.f("pk_hold"), "hold", ["tenant_id", "ref_type", "ref_id"])
    op.execute(
        "alter table hold alter amount type money_moved, alter charged type money_held,"
        " alter released type money_held, alter refunded type money_held"
    )
    op.create_index(
        "ix_hold_ended",
        "hold",
        ["tenant_id", "created_at"],
        postgresql_where=sa.text("state <> 'open'"),
    )
