"""Look-ups that must not read a whole table, as PostgreSQL plans them over many rows."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID, uuid4

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


LISTED = """
insert into job (tenant_id, kind, queue, state, created_by, created_at)
select t, case when n %% 100 = 0 then 'ledger.reconcile' else 'imports.run' end, 'imports',
       case when n %% 100 = 1 then 'failed' else 'succeeded' end, 'test', now() - n * interval '1 s'
  from unnest(array[%(mine)s, %(other)s]::uuid[]) t, generate_series(1, 5000) n;
insert into alert (tenant_id, type, severity, state, message, dedup_key, created_at)
select t, case when n %% 100 = 0 then 'late_file' else 'hard_cap_reached' end, 'warning',
       'resolved', 'test', n::text, now() - n * interval '1 s'
  from unnest(array[%(mine)s, %(other)s]::uuid[]) t, generate_series(1, 5000) n;
insert into import_row (tenant_id, import_id, row_no, action, budget_id)
select t, t, n, case when n %% 100 = 0 then 'rejected' else 'create' end, gen_random_uuid()
  from unnest(array[%(mine)s, %(other)s]::uuid[]) t, generate_series(1, 5000) n;
insert into budget (tenant_id, name, department, fiscal_period, period_id, currency, kind, status,
                    created_at)
select t, 'B', 'D' || n, 'FY' || 2020 + n %% 50, gen_random_uuid(), 'USD',
       case when n %% 100 = 0 then 'event' else 'department' end,
       case when n %% 100 = 0 then 'frozen' else 'active' end, now() - n * interval '1 s'
  from unnest(array[%(mine)s, %(other)s]::uuid[]) t, generate_series(1, 5000) n
"""


@pytest.fixture
def long_lists(superuser: psycopg.Connection, tenant_id: UUID) -> Iterator[psycopg.Connection]:
    tables = "job, alert, import_row, budget"
    superuser.execute("set local session_replication_role = replica")
    for statement in LISTED.split(";\n"):
        superuser.execute(statement, {"mine": tenant_id, "other": uuid4()})
    superuser.execute(f"analyze {tables}")
    yield superuser  # rolled back by its fixture
    superuser.rollback()
    superuser.execute(f"analyze {tables}")
    superuser.commit()


@pytest.mark.parametrize(
    ("table", "condition", "index"),
    [
        ("job", "state = 'failed'", "ix_job_state"),
        ("job", "kind = 'ledger.reconcile'", "ix_job_kind"),
        ("alert", "type = 'late_file'", "ix_alert_type"),
        ("budget", "status = 'frozen'", "ix_budget_status"),
        ("budget", "kind = 'event'", "ix_budget_kind"),
        ("budget", "fiscal_period = 'FY2031'", "ix_budget_period"),
    ],
)
def test_what_few_rows_are_is_listed_by_an_index(
    long_lists: psycopg.Connection, tenant_id: UUID, table: str, condition: str, index: str
) -> None:
    query = (
        f"explain select * from {table} where tenant_id = %s and {condition}"
        " order by created_at desc, id desc limit 51"
    )
    plan = "\n".join(str(row[0]) for row in long_lists.execute(query, (tenant_id,)))
    assert index in plan
    assert "Sort" not in plan


@pytest.mark.parametrize(
    ("condition", "index"),
    [
        ("action = 'rejected'", "ix_import_row_rejected"),
        ("budget_id = %(t)s and action in ('create', 'update')", "ix_import_row_budget"),
    ],
    ids=["rejected", "of a budget"],
)
def test_rows_of_an_import_are_found_by_an_index(
    long_lists: psycopg.Connection, tenant_id: UUID, condition: str, index: str
) -> None:
    query = (
        "explain select * from import_row where tenant_id = %(t)s and import_id = %(t)s"
        f" and {condition} order by row_no, part limit 51"
    )
    plan = "\n".join(str(row[0]) for row in long_lists.execute(query, {"t": tenant_id}))
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
