"""Roles and the empty database: what an administrator does once before the first migration."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

HERE = Path(__file__).parent


def bootstrap(
    admin_conninfo: str,
    *,
    owner_password: str,
    app_password: str,
    backup_password: str,
    database: str = "bursar",
) -> None:
    """Make the roles, set their passwords and make the database; nothing that exists is lost.

    `admin_conninfo` is a superuser's connection (URL or keywords) to any database of the server.
    """
    with psycopg.connect(admin_conninfo, autocommit=True) as admin:
        passwords = {
            "owner_password": _verifier(admin, "bursar_owner", owner_password),
            "app_password": _verifier(admin, "bursar_app", app_password),
            "backup_password": _verifier(admin, "bursar_backup", backup_password),
        }
        with admin.transaction():
            # Two of these at once would both try to make the same roles.
            admin.execute("SELECT pg_advisory_xact_lock(hashtextextended('bursar bootstrap', 0))")
            admin.execute(_script("bootstrap.sql", **passwords))
        _make_database(admin, database)
    with psycopg.connect(make_conninfo(admin_conninfo, dbname=database)) as inside:
        inside.execute(_script("bootstrap_database.sql", database=sql.Identifier(database)))


def _make_database(admin: psycopg.Connection, database: str) -> None:
    there = admin.execute("SELECT FROM pg_database WHERE datname = %s", [database]).fetchone()
    if there is not None:
        return
    command = sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'")
    with suppress(psycopg.errors.DuplicateDatabase):  # Somebody else was faster.
        admin.execute(command.format(sql.Identifier(database)))


def _verifier(admin: psycopg.Connection, role: str, password: str) -> sql.Literal:
    """The SCRAM verifier of a password, which is all that the server ever stores or sees."""
    made = admin.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256")
    return sql.Literal(made.decode())


def _script(name: str, **parts: sql.Composable) -> sql.Composed:
    return sql.SQL((HERE / name).read_text()).format(**parts)
