"""Bring a database up: roles and the empty database where we run the server, then the schema."""

from __future__ import annotations

from ops.stack import postgres
from ops.stack.home import Home
from ops.stack.urls import DATABASE
from schema.bootstrap import bootstrap
from schema.migrate import upgrade


def bootstrap_embedded(home: Home) -> None:
    """Make roles and database on the embedded server, with the passwords of the home."""
    bootstrap(
        postgres.admin_conninfo(home),
        owner_password=home.secret("owner_password"),
        app_password=home.secret("app_password"),
        backup_password=home.secret("backup_password"),
        database=DATABASE,
    )


def migrate(owner_url: str) -> None:
    """Bring the schema to its newest version, as the owning role."""
    upgrade(owner_url)
