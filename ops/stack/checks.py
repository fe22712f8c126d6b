"""What `bursar doctor` looks at. Each check says what it found, or raises with what is wrong."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import kombu
import psycopg
import sqlalchemy

from bursar.config import Settings
from bursar.errors import Misconfigured
from ops.stack.binaries import find_postgres, find_valkey
from ops.stack.home import Home, open_home
from ops.stack.network import is_free, local_address
from ops.stack.state import read_state
from ops.stack.urls import embeds_postgres, embeds_valkey, stack_urls
from schema.migrate import behind, sqlalchemy_url

NEEDED_BYTES = 1024**3


def python(_settings: Settings) -> str:
    """The version of Python."""
    if sys.version_info < (3, 11):  # noqa: UP036 (the wheel may have been forced)
        raise Misconfigured(f"Python {sys.version.split()[0]} is too old.")
    return sys.version.split()[0]


def home(settings: Settings) -> str:
    """The home can be used, and nobody else can read its secrets."""
    found = _home(settings)
    secrets = found.path / "secrets"
    for entry in (secrets, *secrets.iterdir()):
        if entry.stat().st_mode & 0o077:
            raise Misconfigured(f"{entry} can be read by others.")
    if not os.access(found.path, os.W_OK):
        raise Misconfigured(f"{found.path} cannot be written.")
    return str(found.path)


def disk(settings: Settings) -> str:
    """There is room where the data is."""
    place = _home(settings).place
    free = shutil.disk_usage(place).free
    if free < NEEDED_BYTES:
        raise Misconfigured(f"{free // 1024**2} MB are free at {place}.")
    return f"{free / 1024**3:.1f} GB free at {place}"


def programs(settings: Settings) -> str:
    """The programs of the servers that we have to run ourselves."""
    found: list[Path] = []
    if embeds_postgres(settings):
        found.append(find_postgres() / "postgres")
    if embeds_valkey(settings):
        found.append(find_valkey())
    return ", ".join(map(str, found)) or "none needed"


def ports(settings: Settings) -> str:
    """The ports are free, or taken by this stack itself."""
    state = read_state(_home(settings))
    ours = {state.port, state.flower_port} if _supervised(settings) else set()
    address = local_address(settings.bind)
    for port in (settings.port, settings.flower_port):
        if port and port not in ours and not is_free(address, port):
            if port == settings.flower_port and "flower_port" not in settings.model_fields_set:
                continue  # It moves out of the way by itself.
            if _supervised(settings) and port == settings.port:
                continue  # The stack runs on another port than the default.
            raise Misconfigured(f"Port {port} is taken by another program.")
    return f"web {state.port if ours else settings.port}"


def database(settings: Settings) -> str:
    """The database answers."""
    url = stack_urls(_home(settings), settings).database_url
    try:
        with psycopg.connect(url, connect_timeout=5) as connection:
            number = connection.info.server_version
    except psycopg.Error as failed:
        raise Misconfigured(f"The database does not answer: {failed}".strip()) from failed
    if number < 150000:
        raise Misconfigured(f"PostgreSQL {number // 10000} is too old; 15 is the least.")
    return f"PostgreSQL {number // 10000}.{number % 10000}"


def role(settings: Settings) -> str:
    """The application's role cannot pass row level security."""
    url = stack_urls(_home(settings), settings).database_url
    try:
        with psycopg.connect(url, connect_timeout=5) as connection:
            row = connection.execute(
                "SELECT rolname::text, rolsuper, rolbypassrls FROM pg_roles"
                " WHERE rolname = current_user"
            ).fetchone()
    except psycopg.Error as failed:
        raise Misconfigured("The database does not answer.") from failed
    assert row is not None
    if row[1] or row[2]:
        kind = "a superuser" if row[1] else "a role with BYPASSRLS"
        raise Misconfigured(f"{row[0]} is {kind}, which makes row level security void.")
    return str(row[0])


def schema(settings: Settings) -> str:
    """The schema is the one that this code needs."""
    url = stack_urls(_home(settings), settings).database_url
    engine = sqlalchemy.create_engine(sqlalchemy_url(url))
    try:
        with engine.connect() as connection:
            reason = behind(connection)
    except sqlalchemy.exc.SQLAlchemyError as failed:
        raise Misconfigured("The schema cannot be read.") from failed
    finally:
        engine.dispose()
    if reason:
        raise Misconfigured(reason)
    return "at head"


def broker(settings: Settings) -> str:
    """The broker answers."""
    url = stack_urls(_home(settings), settings).broker_url
    try:
        with kombu.Connection(url, connect_timeout=5) as connection:
            connection.ensure_connection(max_retries=1, timeout=5)
    except Exception as failed:
        raise Misconfigured(f"The broker does not answer: {failed}") from failed
    return url.partition(":")[0]


def _home(settings: Settings) -> Home:
    found = open_home(settings.home)
    assert found is not None
    return found


def _supervised(settings: Settings) -> bool:
    supervisor = read_state(_home(settings)).supervisor
    return supervisor is not None and supervisor.alive()
