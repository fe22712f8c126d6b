"""`bursar keys`: what programs call the API with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

import typer

from bursar import keys as rules
from ops.cli.client import find_tenant, local_database
from ops.cli.output import give, give_json, say
from ops.cli.tables import give_table

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Tenant = Annotated[str | None, typer.Option(help="Id, slug or name of the tenant.")]
_AT_ONCE = 200

keys = typer.Typer(no_args_is_help=True, help="Keys for programs.")


def register(app: typer.Typer) -> None:
    """Add the commands of this group."""
    app.add_typer(keys, name="keys")


@keys.command("create")
def create_key(
    tenant: Tenant = None,
    role: Annotated[str, typer.Option(help="What the key may do.")] = "service",
    name: Annotated[str, typer.Option(help="What the key is for.")] = "",
    days: Annotated[int | None, typer.Option(help="It expires after so many.", min=1)] = None,
    as_json: AsJson = False,
) -> None:
    """Make a key and print it: the only time it can be seen."""
    database = local_database()
    tenant_id = find_tenant(database, tenant)
    ends = None if days is None else datetime.now(UTC) + timedelta(days=days)
    with database.transaction(tenant_id, "shell") as session:
        made, key = rules.make_key(session, tenant_id, role, name=name, expires_at=ends)
        key_id = made.id
    database.close()
    give_json({"id": str(key_id), "key": key}) if as_json else give(key)


@keys.command("list")
def list_keys(tenant: Tenant = None, as_json: AsJson = False) -> None:
    """List the keys of a tenant, newest first; never the keys themselves."""
    database = local_database()
    tenant_id = find_tenant(database, tenant)
    rows, cursor = [], None
    with database.transaction(tenant_id, "shell") as session:
        while True:
            found = rules.list_keys(session, limit=_AT_ONCE, cursor=cursor)
            rows += [
                {
                    "id": str(key.id),
                    "name": key.name or None,
                    "ends_in": key.hint,
                    "role": key.role,
                    "state": rules.state_of(key),
                    "last_used": key.last_used_at and f"{key.last_used_at:%Y-%m-%d %H:%M}",
                    "expires": key.expires_at and f"{key.expires_at:%Y-%m-%d %H:%M}",
                }
                for key in found.rows
            ]
            cursor = found.next_cursor
            if cursor is None:
                break
    database.close()
    columns = ("id", "name", "ends_in", "role", "state", "last_used", "expires")
    give_json(rows) if as_json else give_table(rows, columns)


@keys.command("withdraw")
def withdraw_key(
    key_id: Annotated[UUID, typer.Argument(help="Its id, as `bursar keys list` shows it.")],
    tenant: Tenant = None,
) -> None:
    """Withdraw a key; within 5 seconds it opens nothing any more."""
    database = local_database()
    tenant_id = find_tenant(database, tenant)
    with database.transaction(tenant_id, "shell") as session:
        rules.withdraw_key(session, key_id)
    database.close()
    say("the key is withdrawn")
