"""Bring a database to the present schema: prelude, migrations, then the repeatable SQL.

Tables move by numbered Alembic migrations. Functions, triggers, policies and views are replaced
as a whole whenever one of their files has changed, in one transaction.
"""

from __future__ import annotations

import hashlib
from importlib.resources import files
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text

from schema.reference import currency_exponents

# In this order: what is used stands before what uses it; ownership and grants come last.
SCRIPTS = (
    "functions/tenancy.sql",
    "functions/ledger_core.sql",
    "functions/ledger_answers.sql",
    "functions/ledger_reserve.sql",
    "functions/ledger_batch.sql",
    "functions/ledger_holds.sql",
    "functions/ledger_funds.sql",
    "functions/ledger_hierarchy.sql",
    "functions/ledger_periods.sql",
    "functions/period_closing.sql",
    "functions/ledger_import.sql",
    "functions/ledger_bulk.sql",
    "functions/ledger_proof.sql",
    "functions/ledger_sweep.sql",
    "functions/ledger_repair.sql",
    "functions/ledger_named.sql",
    "functions/reports.sql",
    "functions/report_trapped.sql",
    "functions/report_replay.sql",
    "functions/budget_check.sql",
    "functions/importing.sql",
    "functions/import_mending.sql",
    "functions/import_consequences.sql",
    "functions/import_undo.sql",
    "policies/tenant_wall.sql",
    "triggers/append_only.sql",
    "triggers/row_care.sql",
    "triggers/hold_care.sql",
    "triggers/import_history.sql",
    "triggers/events.sql",
    "triggers/audit.sql",
    "functions/due.sql",
    "views/budget_balance.sql",
    "policies/ownership.sql",
    "policies/grants.sql",
)


def sqlalchemy_url(url: str) -> str:
    """The same address with the driver that Bursar uses."""
    return url.replace("postgresql://", "postgresql+psycopg://", 1)


def config() -> Config:
    """Alembic's configuration, without a file."""
    made = Config()
    made.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    made.set_main_option("path_separator", "os")
    return made


def read_script(name: str) -> str:
    """The text of one SQL file of this package."""
    return files("schema").joinpath(name).read_text(encoding="utf-8")


def scripts_checksum() -> str:
    """Changes when any of the repeatable scripts does."""
    joined = "\n".join(read_script(name) for name in SCRIPTS)
    return hashlib.sha256(joined.encode()).hexdigest()


def run_script(connection: Connection, name: str) -> None:
    """Run one SQL file. It has no parameters, so the driver must not look for any."""
    connection.connection.cursor().execute(read_script(name))


def upgrade(owner_url: str) -> None:
    """Bring the database behind `owner_url` (role bursar_owner) to head. Repeatable."""
    engine = create_engine(sqlalchemy_url(owner_url))
    try:
        with engine.begin() as connection:
            # Two upgrades at once: the second waits here and then finds nothing to do.
            connection.execute(text("select pg_advisory_xact_lock(hashtext('bursar.migrate'))"))
            connection.execute(text("set local check_function_bodies = off"))
            run_script(connection, "prelude.sql")
            alembic = config()
            alembic.attributes["connection"] = connection
            command.upgrade(alembic, "head")
            _load_reference(connection)
            _replace_scripts(connection)
            connection.execute(text("select ensure_ledger_partitions()"))
    finally:
        engine.dispose()


def _load_reference(connection: Connection) -> None:
    connection.execute(
        text(
            "insert into currency (code, decimals) values (:code, :decimals)"
            " on conflict (code) do update set decimals = excluded.decimals"
            " where currency.decimals <> excluded.decimals"
        ),
        [{"code": c, "decimals": d} for c, d in currency_exponents().items()],
    )


def _replace_scripts(connection: Connection) -> None:
    checksum = scripts_checksum()
    stored = connection.execute(text("select checksum from schema_scripts")).scalar()
    if stored == checksum:
        return
    for name in SCRIPTS:
        run_script(connection, name)
    connection.execute(text("delete from schema_scripts"))
    connection.execute(
        text("insert into schema_scripts (checksum) values (:checksum)"), {"checksum": checksum}
    )


def behind(connection: Connection) -> str | None:
    """Why the schema does not fit this code, or None when it does. Any role may ask."""
    head = ScriptDirectory.from_config(config()).get_current_head()
    current = MigrationContext.configure(connection).get_current_revision()
    if current != head:
        return f"the schema is at {current or 'nothing'}, this code needs {head}"
    if connection.execute(text("select checksum from schema_scripts")).scalar() != (
        scripts_checksum()
    ):
        return "the database's functions are of another version than this code"
    return None
