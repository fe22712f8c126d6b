"""Connections: safe roles only, one transaction a tenant, nothing remembered."""

import socket
import struct
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DataError, OperationalError

from bursar import database as connections
from bursar.database import Database, is_passing
from bursar.errors import Misconfigured
from bursar.tenants import create_tenant
from ops.stack.home import Home
from ops.stack.urls import StackUrls
from tests.conftest import BACKUP_PASSWORD, OTHER_SERVER, MakeBudget


def test_the_application_s_role_is_accepted(database: Database) -> None:
    database.require_safe_role()


def test_a_superuser_is_refused(superuser: psycopg.Connection) -> None:
    info = superuser.info
    url = (
        f"postgresql://{info.user}:{info.password}@/{info.dbname}?host={info.host}&port={info.port}"
    )
    opened = Database(url, 1)
    with pytest.raises(Misconfigured, match="row-level security does"):
        opened.require_safe_role()
    opened.close()


def test_a_role_that_bypasses_the_wall_is_refused(
    database_urls: StackUrls, stack_home: Home
) -> None:
    password = BACKUP_PASSWORD if OTHER_SERVER else stack_home.secret("backup_password")
    host = database_urls.database_url.rpartition("@")[2]
    opened = Database(f"postgresql://bursar_backup:{password}@{host}", 1)
    with pytest.raises(Misconfigured, match="bursar_backup"):
        opened.require_safe_role()
    opened.close()


def test_the_owner_is_refused(database_urls: StackUrls) -> None:
    opened = Database(database_urls.owner_database_url, 1)
    with pytest.raises(Misconfigured, match="bursar_owner"):
        opened.require_safe_role()
    opened.close()


def test_no_address_is_refused() -> None:
    with pytest.raises(Misconfigured, match="BURSAR_DATABASE_URL"):
        Database("", 1)


def test_a_pooled_connection_remembers_no_tenant(
    database: Database, tenant_id: UUID, make_budget: MakeBudget
) -> None:
    make_budget()
    with database.pool.connection() as connection:
        connection.execute("select * from ledger_account(%s, %s)", (tenant_id, uuid4()))
        assert connection.execute("select count(*) from budget").fetchone() == (0,)
    with database.transaction(None) as session:
        assert session.execute(text("select count(*) from budget")).scalar_one() == 0


def test_many_threads_on_few_connections_see_their_own_rows_only(
    database_urls: StackUrls, database: Database
) -> None:
    few = Database(database_urls.database_url, 3)
    tenants = [create_tenant(database, f"Tenant {n}") for n in range(6)]
    start = threading.Barrier(12)

    def look(n: int) -> int:
        start.wait()
        foreign = 0
        for step in range(40):
            tenant = tenants[(n + step) % len(tenants)]
            with suppress(DataError), few.transaction(tenant) as session:
                seen = session.execute(text("select id from tenant")).scalars().all()
                foreign += seen != [tenant]
                if step % 7 == n % 7:
                    session.execute(text("select 1 / 0"))
        return foreign

    with ThreadPoolExecutor(12) as pool:
        assert sum(pool.map(look, range(12))) == 0
    few.close()


def test_threads_that_come_first_at_once_share_one_pool(database_urls: StackUrls) -> None:
    for _ in range(10):
        opened, start = Database(database_urls.database_url, 1), threading.Barrier(8)

        def first(_: int, opened: Database = opened, start: threading.Barrier = start) -> int:
            start.wait()
            return id(opened.pool)

        with ThreadPoolExecutor(8) as pool:
            assert len(set(pool.map(first, range(8)))) == 1
        opened.close()


def test_a_lost_connection_is_replaced(database: Database, superuser: psycopg.Connection) -> None:
    tenant = create_tenant(database, "Lost")
    kill = "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'bursar_app'"
    superuser.execute(kill)
    superuser.commit()
    with database.transaction(tenant) as session:
        assert session.execute(text("select name from tenant")).scalar_one() == "Lost"
    superuser.execute(kill)
    superuser.commit()
    assert database.call("select 1 as one", ()).one == 1


def test_a_pooler_that_says_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connections.LIMITS, "connect_timeout", 2)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        opened = Database(f"postgresql://bursar_app@127.0.0.1:{silent.getsockname()[1]}/bursar", 1)
        start = time.monotonic()
        with pytest.raises(OperationalError) as refused, opened.engine.connect():
            pass
        opened.close()
    assert is_passing(refused.value)
    assert time.monotonic() - start < 10


def test_limits_of_the_url_go_before(database_urls: StackUrls) -> None:
    opened = Database(database_urls.database_url + "&connect_timeout=3", 1)
    with opened.engine.connect() as connection, opened.pool.connection() as plain:
        of_engine = connection.connection.dbapi_connection
        assert isinstance(of_engine, psycopg.Connection)
        assert of_engine.info.get_parameters()["connect_timeout"] == "3"
        assert plain.info.get_parameters()["connect_timeout"] == "3"
        assert plain.info.get_parameters()["keepalives_idle"] == "30"
    opened.close()


class _Pooler(threading.Thread):
    """Says yes to everything, but to COMMIT with two errors, as a pooler whose server went away."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]

    def run(self) -> None:
        with self._listening, self._listening.accept()[0] as client:
            client.recv(4096)
            client.sendall(_message(b"R", bytes(4)) + _message(b"Z", b"I"))
            while asked := client.recv(4096):
                if b"COMMIT" in asked:
                    client.sendall(_message(b"E", _ENDED) * 2)
                    return
                client.sendall(_message(b"C", b"BEGIN\0") + _message(b"Z", b"T"))


_ENDED = b"SFATAL\0VFATAL\0C57P01\0Mterminating connection\0\0"


def _message(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack("!I", len(content) + 4) + content


def test_a_commit_that_is_answered_twice_may_be_tried_again() -> None:
    pooler = _Pooler()
    pooler.start()
    url = f"postgresql://bursar_app@127.0.0.1:{pooler.port}/bursar?sslmode=disable"
    with psycopg.connect(url, prepare_threshold=None) as connection:
        connection.pgconn.exec_(b"BEGIN")
        with pytest.raises(psycopg.InternalError, match="2 results") as lost:
            connection.commit()
    assert is_passing(lost.value)
