"""`bursar tenants`: the organisations that use this installation."""

from __future__ import annotations

from typing import Annotated

import typer

from bursar import tenants as rules
from ops.cli.client import find_tenant, local_database
from ops.cli.output import give, give_json, say

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Tenant = Annotated[str | None, typer.Option(help="Id, slug or name of the tenant.")]

tenants = typer.Typer(no_args_is_help=True, help="Organisations that keep budgets here.")


def register(app: typer.Typer) -> None:
    """Add the commands of this group."""
    app.add_typer(tenants, name="tenants")


@tenants.callback()
def group() -> None:
    """Keep the sub-command's name even where there is only one."""


@tenants.command("create")
def create_tenant(
    name: Annotated[str, typer.Argument(help="Its name.")],
    currency: Annotated[str, typer.Option(help="Its base currency.")] = "USD",
    allow: Annotated[list[str] | None, typer.Option(help="A further currency.")] = None,
    time_zone: Annotated[str, typer.Option(help="Its time zone.")] = "UTC",
    fiscal_start: Annotated[int, typer.Option(min=1, max=12, help="First fiscal month.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Open a tenant and print its id."""
    database = local_database()
    tenant_id = rules.create_tenant(
        database,
        name,
        base_currency=currency,
        allowed_currencies=tuple(allow or ("USD", "ZWG")),
        time_zone=time_zone,
        fiscal_start_month=fiscal_start,
    )
    database.close()
    give_json({"id": str(tenant_id)}) if as_json else give(str(tenant_id))


@tenants.command("limit")
def limit_uploads(
    limit_bytes: Annotated[
        int, typer.Argument(help="Largest upload in bytes; 0: as the installation says.", min=0)
    ],
    tenant: Tenant = None,
) -> None:
    """Give a tenant an upload limit of its own."""
    database = local_database()
    tenant_id = find_tenant(database, tenant)
    with database.transaction(tenant_id, "shell") as session:
        rules.set_upload_limit(session, limit_bytes or None)
    database.close()
    say("the new limit holds from now on")
