"""`bursar members`: the people who log in to the pages."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from sqlalchemy.orm import Session

from bursar import members as rules
from bursar import passwords
from bursar.errors import NotFound
from bursar.tenants import create_member as make_member
from ops.cli.client import find_tenant, local_database
from ops.cli.output import give_json, say
from ops.cli.tables import give_table

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Tenant = Annotated[str | None, typer.Option(help="Id, slug or name of the tenant.")]
Email = Annotated[str, typer.Argument(help="The member's e-mail address.")]
_AT_ONCE = 200

members = typer.Typer(no_args_is_help=True, help="People who log in to the pages.")


def register(app: typer.Typer) -> None:
    """Add the commands of this group."""
    app.add_typer(members, name="members")


@members.command("create")
def create_member(
    email: Annotated[str, typer.Argument(help="The e-mail address to log in with.")],
    tenant: Tenant = None,
    role: Annotated[str, typer.Option(help="What the person may do.")] = "fpa",
    name: Annotated[str, typer.Option(help="The person's name.")] = "",
    password: Annotated[
        str, typer.Option(prompt=True, hide_input=True, envvar="BURSAR_MEMBER_PASSWORD")
    ] = "",
) -> None:
    """Give a person access to the pages."""
    database = local_database()
    tenant_id = find_tenant(database, tenant)
    with database.transaction(tenant_id, "shell") as session:
        make_member(session, tenant_id, email, password, role, name)
    database.close()
    say(f"{email} can log in")


@members.command("list")
def list_members(
    tenant: Tenant = None,
    gone: Annotated[bool, typer.Option("--gone", help="Those who have left.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the members of a tenant by e-mail address."""
    database = local_database()
    tenant_id = find_tenant(database, tenant)
    rows, cursor = [], None
    with database.transaction(tenant_id, "shell") as session:
        while True:
            found = rules.list_members(session, gone=gone, limit=_AT_ONCE, cursor=cursor)
            rows += [
                {"id": str(one.id), "email": one.email, "name": one.name or None, "role": one.role,
                 "since": f"{one.created_at:%Y-%m-%d}"}
                for one in found.rows
            ]  # fmt: skip
            cursor = found.next_cursor
            if cursor is None:
                break
    database.close()
    give_json(rows) if as_json else give_table(rows, ("id", "email", "name", "role", "since"))


@members.command("role")
def change_role(
    email: Email,
    role: Annotated[str, typer.Argument(help="What they may do from now on.")],
    tenant: Tenant = None,
) -> None:
    """Give a member another role."""
    database = local_database()
    tenant_id = find_tenant(database, tenant)
    with database.transaction(tenant_id, "shell") as session:
        found = _named(session, email)
        rules.change_role(session, tenant_id, found.id, found.row_version, role, "shell")
    database.close()
    say(f"{found.email} has the role {role}")


@members.command("deactivate")
def deactivate_member(email: Email, tenant: Tenant = None) -> None:
    """Take a member's access away; what they did stays."""
    database = local_database()
    tenant_id = find_tenant(database, tenant)
    with database.transaction(tenant_id, "shell") as session:
        found = _named(session, email)
        rules.deactivate(session, tenant_id, found.id, "shell")
    database.close()
    say(f"{found.email} can no longer log in here")


@members.command("reset-password")
def reset_password(email: Email, tenant: Tenant = None) -> None:
    """Give a member who has lost it another password, which is shown once."""
    database = local_database()
    tenant_id = find_tenant(database, tenant)
    with database.transaction(tenant_id, "shell") as session:
        found = _named(session, email)
        password = passwords.reset(session, found.user_id)
    database.close()
    say(f"{found.email} logs in with this password, and can change it at /account:")
    typer.echo(password)


def _named(session: Session, email: str) -> Any:
    found = rules.find_by_email(session, email)
    if found is None:
        raise NotFound(f"No member has the e-mail address {email}.")
    return found
