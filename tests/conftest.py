"""What every test may use: one PostgreSQL and one Valkey for the whole session, migrated once."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from pathlib import Path
from urllib.parse import quote
from uuid import UUID

import psycopg
import pytest
from cryptography.fernet import Fernet
from flask import Flask
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from pydantic import SecretStr

from bursar.budgets.editing import NewBudget, create_budget
from bursar.config import Settings, settings
from bursar.database import Database
from bursar.tenants import create_key, create_tenant
from ops.stack import postgres, valkey
from ops.stack.home import Home, open_home
from ops.stack.migrations import bootstrap_embedded, migrate
from ops.stack.urls import StackUrls, stack_urls
from schema.bootstrap import bootstrap
from tests.api_client import Api
from tests.sharing import pytest_collection_modifyitems, pytest_xdist_make_scheduler
from web.app import create_app

__all__ = ["pytest_collection_modifyitems", "pytest_xdist_make_scheduler"]

# A superuser's URL of another PostgreSQL, 15 or newer, that the tests of one process may use: they
# make the roles of Bursar there and a database of their own, which they drop. Empty: embedded.
OTHER_SERVER = os.environ.get("BURSAR_TEST_DATABASE_URL", "")
BACKUP_PASSWORD = "backup-of-tests"

# One for all tests of a process, because they share the signing key that it encrypts.
SECRETS_KEY = Fernet.generate_key().decode()

MakeBudget = Callable[..., UUID]
MakeApi = Callable[..., Api]


@pytest.fixture(scope="session")
def stack_home() -> Iterator[Home]:
    """A home whose PostgreSQL and Valkey run until the session ends, or is killed.

    It lies in a short folder of its own, since pytest's folders are closed to the account that
    the servers run as when root runs the tests.
    """
    folder = Path(tempfile.mkdtemp(prefix="bursar-test-"))
    home = open_home(folder)
    assert home is not None
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        if not OTHER_SERVER:
            server = postgres.start(home, settings=postgres.CARELESS, when_orphaned=signal.SIGQUIT)
            stack.callback(server.stop)
        broker = valkey.start(home, when_orphaned=signal.SIGTERM)
        stack.callback(broker.stop)
        yield home


@pytest.fixture(scope="session")
def admin_conninfo(stack_home: Home) -> str:
    """A superuser's connection to the session's server: the embedded one, or the one named."""
    return OTHER_SERVER or postgres.admin_conninfo(stack_home)


@pytest.fixture(scope="session")
def database_urls(stack_home: Home, admin_conninfo: str) -> Iterator[StackUrls]:
    """URLs of a fresh database with the newest schema: `database_url` and `owner_database_url`."""
    if not OTHER_SERVER:
        bootstrap_embedded(stack_home)
        urls = stack_urls(stack_home, Settings(database_url="", broker_url="", redis_url=""))
        migrate(urls.owner_database_url)
        yield urls
        return
    with another_database(admin_conninfo) as (app_url, owner_url):
        chosen = Settings(
            database_url=app_url, owner_database_url=owner_url, broker_url="", redis_url=""
        )
        migrate(owner_url)
        yield stack_urls(stack_home, chosen)


@contextmanager
def another_database(admin: str) -> Iterator[tuple[str, str]]:
    """A database on a server that runs already: the URLs of the application and of the owner."""
    name = f"bursar_test_{os.getpid()}"
    words = {role: f"{role}-of-tests" for role in ("app", "owner")}
    bootstrap(
        admin, owner_password=words["owner"], app_password=words["app"],
        backup_password=BACKUP_PASSWORD, database=name,
    )  # fmt: skip
    place = conninfo_to_dict(admin)
    where = f"host={quote(str(place.get('host', '')), safe='')}&port={place.get('port', 5432)}"
    try:
        yield (
            f"postgresql://bursar_app:{words['app']}@/{name}?{where}",
            f"postgresql://bursar_owner:{words['owner']}@/{name}?{where}",
        )
    finally:
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute(f'drop database "{name}" with (force)'.encode())


@pytest.fixture(scope="session")
def database(database_urls: StackUrls) -> Iterator[Database]:
    """The database as the application role."""
    opened = Database(database_urls.database_url, 20)
    opened.require_safe_role()
    yield opened
    opened.close()


@pytest.fixture
def tenant_id(database: Database) -> UUID:
    """A tenant of the test's own, so that tests never see each other's rows."""
    return create_tenant(database, "Test Tenant")


@pytest.fixture
def make_budget(database: Database, tenant_id: UUID) -> MakeBudget:
    """Makes a budget of the test's tenant and returns its id."""

    def make(amount: str = "10000", currency: str = "USD", **more: str) -> UUID:
        fields = {"department": "Engineering", "sub_category": "Software"} | more
        new = NewBudget(fiscal_period="FY2025", amount=Decimal(amount), currency=currency, **fields)
        with database.transaction(tenant_id, "test") as session:
            return UUID(str(create_budget(session, tenant_id, new, "test").id))

    return make


@pytest.fixture
def can_seal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key for secrets, so that seals can be signed."""
    monkeypatch.setattr(settings(), "secrets_key", SecretStr(SECRETS_KEY))


@pytest.fixture
def owner(database_urls: StackUrls) -> Iterator[psycopg.Connection]:
    """The owning role, rolled back after the test."""
    with psycopg.connect(database_urls.owner_database_url) as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def superuser(admin_conninfo: str, database_urls: StackUrls) -> Iterator[psycopg.Connection]:
    """An administrator past every policy and trigger, as an attacker would be."""
    name = conninfo_to_dict(database_urls.database_url)["dbname"]
    with psycopg.connect(make_conninfo(admin_conninfo, dbname=name)) as connection:
        yield connection
        connection.rollback()


@pytest.fixture(scope="session")
def app(database_urls: StackUrls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """The web application on the session's database, its broker included."""
    chosen = {
        "BURSAR_DATABASE_URL": database_urls.database_url,
        "BURSAR_BROKER_URL": database_urls.broker_url,
        "BURSAR_FILE_STORE": str(tmp_path_factory.mktemp("files")),
        "BURSAR_SECRET_KEY": "k" * 48,
        "BURSAR_WAIT_SECONDS": "0",
        "BURSAR_RATE_LIMIT": "1000000 per minute",
        "BURSAR_LOGIN_RATE_LIMIT": "1000000 per minute",
        "BURSAR_TOPUP_RATE_LIMIT": "1000000 per minute",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in chosen.items():
            patch.setenv(name, value)
        settings.cache_clear()
        yield create_app()
        settings.cache_clear()


@pytest.fixture
def make_api(app: Flask, database: Database, tenant_id: UUID) -> MakeApi:
    """Makes an API of the test's tenant, in a role."""

    def make(role: str = "admin", tenant: UUID | None = None) -> Api:
        chosen = tenant or tenant_id
        with database.transaction(chosen, "test") as session:
            key = create_key(session, chosen, role)
        return Api(app, key)

    return make


@pytest.fixture
def api(make_api: MakeApi) -> Api:
    """The API as the test tenant's administrator."""
    return make_api()
