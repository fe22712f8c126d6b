"""Alembic's entry: migrate on the connection that `schema.migrate` hands over."""

from alembic import context

from schema.tables import Base

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    compare_type=True,
    compare_server_default=False,
    include_name=lambda name, kind, _: (
        not (kind == "table" and (name or "").startswith(("ledger_entry_", "schema_scripts")))
    ),
)
with context.begin_transaction():
    context.run_migrations()
