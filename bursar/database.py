"""Connections. One engine for ordinary work, one plain pool for the hot paths, per process.

The tenant and the actor are set for one transaction only (`set_config(..., true)`), so a pooled
connection never remembers whom it last served.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import namedtuple_row
from psycopg_pool import ConnectionPool, PoolTimeout
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session

from bursar.config import settings
from bursar.errors import Misconfigured, Transient

# What may work when simply tried again: the other side was quicker, or the server went away.
PASSING = (
    psycopg.errors.UniqueViolation,
    psycopg.errors.SerializationFailure,
    psycopg.errors.DeadlockDetected,
    psycopg.errors.LockNotAvailable,
    psycopg.OperationalError,
)

# What a silent server or pooler may cost, where the URL does not say it: so long to be let in, and
# over TCP about a minute until a machine that is gone is noticed while an answer is awaited.
LIMITS = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
}


class Database:
    """The PostgreSQL of this installation, as the application role.

    Without `prepared_statements` each statement stands alone, for poolers that hand a connection
    over after each transaction and know of none.
    """

    def __init__(self, url: str, pool_size: int, *, prepared_statements: bool = True) -> None:
        if not url:
            raise Misconfigured(
                "BURSAR_DATABASE_URL is not set. Start with `bursar up`, or name a database."
            )
        self.url = url
        named = conninfo_to_dict(url)
        self._limits = {name: limit for name, limit in LIMITS.items() if name not in named}
        self._prepare_threshold = 1 if prepared_statements else None
        self._pool_size = pool_size
        unprepared = {} if prepared_statements else {"prepare_threshold": None}
        self.engine = create_engine(
            url.replace("postgresql://", "postgresql+psycopg://", 1),
            pool_size=pool_size,
            max_overflow=2,
            pool_pre_ping=True,
            pool_timeout=10,
            hide_parameters=True,  # they hold amounts and names, and errors are logged
            connect_args={**self._limits, **unprepared},
        )
        self._opening = threading.Lock()
        self._pool: ConnectionPool[psycopg.Connection[Any]] | None = None

    @property
    def pool(self) -> ConnectionPool[psycopg.Connection[Any]]:
        """Autocommitting connections for calls that are one statement, opened when first used."""
        with self._opening:  # threads that come first at once share one
            if self._pool is None:
                self._pool = ConnectionPool(
                    self.url,
                    min_size=1,
                    max_size=self._pool_size,
                    timeout=10,
                    kwargs={
                        **self._limits,
                        "autocommit": True,
                        "row_factory": namedtuple_row,
                        "prepare_threshold": self._prepare_threshold,
                    },
                    open=True,
                )
        return self._pool

    def call(self, statement: str, parameters: Sequence[object], *, attempts: int = 5) -> Any:
        """As `call_all`, but the first row alone, None where there is none."""
        rows = self.call_all(statement, parameters, attempts=attempts)
        return rows[0] if rows else None

    def call_all(
        self, statement: str, parameters: Sequence[object], *, attempts: int = 5
    ) -> list[Any]:
        """Run one idempotent statement in one round trip and return its rows.

        Tried again when another transaction was quicker or the server went away.
        Raises Transient when that does not help.
        """
        for attempt in range(1, attempts + 1):
            try:
                with self.pool.connection() as connection:
                    return connection.execute(statement, parameters).fetchall()
            except PASSING as error:
                if attempt == attempts:
                    raise Transient("The database did not answer in time; try again.") from error
                if isinstance(error, psycopg.OperationalError):
                    self.pool.check()  # the server went away: its other connections are dead too
            except PoolTimeout as error:
                raise Transient("All database connections are busy; try again.") from error
        raise AssertionError("unreachable")

    @contextmanager
    def transaction(
        self, tenant_id: UUID | None, actor: str = "", request_id: str = ""
    ) -> Iterator[Session]:
        """A transaction that sees one tenant's rows, or none when `tenant_id` is None."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            session.execute(
                text(
                    "select set_config('bursar.tenant', :tenant, true),"
                    " set_config('bursar.actor', :actor, true),"
                    " set_config('bursar.request', :request, true)"
                ),
                {"tenant": str(tenant_id or ""), "actor": actor, "request": request_id},
            )
            yield session

    def require_safe_role(self) -> None:
        """Refuse to work as a role that row-level security does not bind.

        Raises Misconfigured.
        """
        with self.engine.connect() as connection:
            role = connection.execute(
                text(
                    "select rolname, rolsuper or rolbypassrls as unbound, exists (select 1 from"
                    " pg_class where relowner = r.oid and relname = 'budget') as owns"
                    " from pg_roles r where rolname = current_user"
                )
            ).one()
        if role.unbound or role.owns:
            raise Misconfigured(
                f"BURSAR_DATABASE_URL logs in as {role.rolname!r}, which row-level security does"
                " not bind. Use the role bursar_app: neither superuser, nor BYPASSRLS, nor owner."
            )

    def close(self) -> None:
        """Give all connections back."""
        if self._pool is not None:
            self._pool.close()
        self.engine.dispose()


def is_passing(error: BaseException) -> bool:
    """Whether trying again later may help: connection trouble, deadlocks, lost races."""
    if isinstance(error, Transient | PoolTimeout | OperationalError):
        return True
    cause = error.orig if isinstance(error, DBAPIError) else error
    return isinstance(cause, PASSING) or _lost_its_place(cause)


def _lost_its_place(error: BaseException | None) -> bool:
    """Whether the answer was not one that psycopg could take; no server said anything.

    A pooler whose server goes away answers twice, for the server and for itself.
    """
    return type(error) is psycopg.InternalError and error.sqlstate is None


_open: dict[int, Database] = {}


def database() -> Database:
    """The database of this process; a forked child opens its own connections."""
    pid = os.getpid()
    if pid not in _open:
        # A parent's connections stay untouched: closing them here would end them for the parent.
        chosen = settings()
        opened = Database(
            chosen.database_url,
            chosen.pool_size,
            prepared_statements=chosen.prepared_statements,
        )
        opened.require_safe_role()
        _open[pid] = opened
    return _open[pid]
