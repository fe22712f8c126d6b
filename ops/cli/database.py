"""`bursar migrate` and `bursar bootstrap`: the schema, and the roles on a server of your own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import psycopg
import typer

from bursar.config import Settings
from bursar.errors import Misconfigured
from ops.cli.output import say
from ops.cli.stack import home_of
from ops.stack import postgres
from ops.stack.migrations import bootstrap_embedded
from ops.stack.migrations import migrate as upgrade
from ops.stack.urls import embeds_postgres, stack_urls
from schema.bootstrap import bootstrap as make_roles

PASSWORDS = ("BURSAR_OWNER_PASSWORD", "BURSAR_APP_PASSWORD", "BURSAR_BACKUP_PASSWORD")


def register(app: typer.Typer) -> None:
    """Add the commands of this group."""
    app.command()(migrate)
    app.command()(bootstrap)


def migrate() -> None:
    """Bring the database's schema to the newest version; again without harm."""
    settings = Settings()
    if not embeds_postgres(settings):
        if not settings.owner_database_url:
            raise Misconfigured("Set BURSAR_OWNER_DATABASE_URL to the URL of the owning role.")
        upgrade(settings.owner_database_url)
    else:
        home = home_of(settings)
        if postgres.find(home):
            upgrade(stack_urls(home, settings).owner_database_url)
        else:
            with home.locked():
                server = postgres.start(home)
                try:
                    bootstrap_embedded(home)
                    upgrade(stack_urls(home, settings).owner_database_url)
                finally:
                    server.stop()
    say("the schema is up to date")


def bootstrap(
    admin_url: Annotated[str, typer.Option(help="URL of a superuser on the server.")] = "",
    database: Annotated[str, typer.Option(help="Name of the database to make.")] = "bursar",
) -> None:
    """Make roles and database on a PostgreSQL server of your own, once, as its administrator.

    The passwords for bursar_owner, bursar_app and bursar_backup come from the variables
    BURSAR_OWNER_PASSWORD, BURSAR_APP_PASSWORD and BURSAR_BACKUP_PASSWORD, and the URL may come
    from BURSAR_ADMIN_URL; each also from a file of that name in lower case in BURSAR_SECRETS_DIR.
    """
    admin_url = admin_url or _secret("BURSAR_ADMIN_URL")
    if not admin_url:
        raise Misconfigured("Give the URL of a superuser with --admin-url or BURSAR_ADMIN_URL.")
    given = {name: _secret(name) for name in PASSWORDS}
    missing = [name for name, value in given.items() if not value]
    if missing:
        raise Misconfigured(f"Set {', '.join(missing)} to the passwords that the roles shall have.")
    owner, app, backup = given.values()
    try:
        make_roles(
            admin_url,
            owner_password=owner,
            app_password=app,
            backup_password=backup,
            database=database,
        )
    except psycopg.Error as refused:
        raise Misconfigured(f"The server refused: {refused}") from refused
    say(f"roles and database {database} are ready; next: bursar migrate")


def _secret(name: str) -> str:
    """A secret from the environment, or from a mounted file as the settings take theirs."""
    if value := os.environ.get(name):
        return value
    file = Path(os.environ.get("BURSAR_SECRETS_DIR", "/run/secrets")) / name.lower()
    return file.read_text().strip() if file.is_file() else ""
