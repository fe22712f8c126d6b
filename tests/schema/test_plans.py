"""Look-ups that must not read a whole table, as PostgreSQL plans them over many rows."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import psycopg
import pytest

SOURCES = """
insert into source (tenant_id, name, type, config, time_zone, is_active, next_due_at, created_by)
select t, 'planned ' || t || n, 'sftp', '{}', 'UTC', n %% 10 <> 0, now() + make_interval(mins => n),
       'test'
  from unnest(array[%(mine)s, %(other)s]::uuid[]) t, generate_series(1, 5000) n
"""


@pytest.fixture
def many_sources(superuser: psycopg.Connection, tenant_id: UUID) -> Iterator[psycopg.Connection]:
    other = superuser.execute(
        "insert into tenant (slug, name) values ('planned', 'Planned') returning id"
    ).fetchone()
    assert other is not None
    superuser.execute(SOURCES, {"mine": tenant_id, "other": other[0]})
    superuser.execute("analyze source")
    yield superuser  # rolled back by its fixture
    superuser.rollback()
    superuser.execute("analyze source")
    superuser.commit()


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("select * from source where tenant_id = %(t)s and name = 'x'", "source"),
        (
            "select * from source where tenant_id = %(t)s and is_active order by next_due_at"
            " limit 20",
            "ix_source_active",
        ),
        (
            "select tenant_id, id from source where is_active and deleted_at is null"
            " and least(next_due_at, next_expected_at) <= now() limit 500",
            "ix_source_due",
        ),
    ],
    ids=["of a tenant", "active", "due"],
)
def test_sources_are_found_by_an_index(
    many_sources: psycopg.Connection, tenant_id: UUID, query: str, index: str
) -> None:
    plan = "\n".join(
        str(row[0]) for row in many_sources.execute("explain " + query, {"t": tenant_id})
    )
    assert "Seq Scan" not in plan
    assert index in plan


@pytest.mark.parametrize(
    ("table", "condition", "index"),
    [
        ("hold", "tenant_id = $1 and ref_type = 'r' and ref_id = $2", "pk_hold"),
        ("action_idempotency", "tenant_id = $1 and key = $2", "pk_action_idempotency"),
    ],
    ids=["a reference", "a key"],
)
def test_what_the_ledger_looks_up_is_found_by_its_key_also_in_empty_tables(
    superuser: psycopg.Connection, tenant_id: UUID, table: str, condition: str, index: str
) -> None:
    """Plans are kept as long as a connection lives: one of the first day is used for long."""
    superuser.execute("set local lock_timeout = '10s'")
    superuser.execute(f"truncate {table}")  # rolled back by the fixture
    superuser.execute("set local enable_seqscan = off")
    superuser.execute("set local plan_cache_mode = force_generic_plan")
    superuser.execute(f"prepare look_up (uuid, text) as select 1 from {table} where {condition}")
    rows = superuser.execute(f"explain execute look_up ('{tenant_id}', 'x')").fetchall()
    superuser.execute("deallocate look_up")
    assert index in "\n".join(str(row[0]) for row in rows)
