"""The accounts that were closed before there was a table for them, of all tenants

The wall binds the owner too, who migrates and is no tenant: as long as it stands, it shows no rows
to copy and lets none in. Where the table was made without it, some of the accounts are there already.
"""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

WALLED = ("budget_account", "past_account")


def upgrade() -> None:
    for table in WALLED:
        op.execute(f"alter table {table} no force row level security")
    op.execute(
        "insert into past_account (tenant_id, account_id, budget_id, closed_at)"
        " select tenant_id, id, budget_id, closed_at from budget_account"
        " where closed_at is not null on conflict do nothing"
    )
    for table in WALLED:
        op.execute(f"alter table {table} force row level security")


def downgrade() -> None:
    """The table goes with the revision before."""
