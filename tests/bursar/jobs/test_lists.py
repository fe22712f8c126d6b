"""Lists of jobs read what they show, and never the whole table, whatever narrows them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import event, text

from bursar.database import Database
from bursar.jobs.overview import depths, ended_badly
from bursar.jobs.rows import WITHIN, list_jobs

ROWS = 20_000
FILL = """
insert into job (tenant_id, id, kind, queue, state, created_by, created_at, finished_at, error)
select %s, gen_random_uuid(), case when n %% 1000 = 0 then 'ledger.seal' else 'imports.run' end,
       'imports', case n %% 100 when 1 then 'failed' when 2 then 'dead' else 'succeeded' end,
       'test', now() - n * interval '1 s', now() - n * interval '1 s',
       case when n %% 100 in (1, 2) then '{"detail": "The host was away."}'::jsonb end
  from generate_series(1, %s) n
"""
FILTERS: tuple[dict[str, str], ...] = (
    {}, {"state": "dead"}, {"state": "queued"}, {"kind": "ledger.seal"}, {"kind": "periods.close"},
    {"state": "dead", "kind": "imports.run"}, {"state": "succeeded", "kind": "periods.close"},
    {"q": "0123abcd"}, {"q": "0123abcd", "state": "dead"}, {"q": "host was"},
    {"q": "nowhere", "kind": "imports.run"},
)  # fmt: skip


@pytest.fixture
def many(superuser: psycopg.Connection, tenant_id: UUID) -> Iterator[None]:
    superuser.execute(FILL, (tenant_id, ROWS))
    superuser.commit()
    superuser.execute("analyze job")
    superuser.commit()
    yield
    superuser.execute("delete from job where tenant_id = %s", (tenant_id,))
    superuser.commit()
    superuser.execute("analyze job")
    superuser.commit()


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


def test_no_filter_reads_more_than_a_bounded_number_of_rows(
    many: None, database: Database, tenant_id: UUID
) -> None:
    seen: list[tuple[str, Any]] = []

    def note(_c: Any, _k: Any, statement: str, parameters: Any, _x: Any, _m: Any) -> None:
        if "FROM job" in statement or "from job" in statement:
            seen.append((statement, parameters))

    with database.transaction(tenant_id) as session:
        connection = session.connection()
        event.listen(connection, "before_cursor_execute", note)
        pages = [list_jobs(session, limit=25, **filters) for filters in FILTERS]
        second = pages[1].next_cursor
        list_jobs(session, limit=25, state="dead", cursor=second)
        depths(session)
        ended_badly(session)
        event.remove(connection, "before_cursor_execute", note)
        assert len(seen) > len(FILTERS)
        for statement, parameters in seen:
            told = connection.exec_driver_sql(
                f"explain (analyze, format json) {statement}", parameters
            ).scalar_one()
            for node in nodes(told[0]["Plan"]):
                read = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
                assert read * node["Actual Loops"] <= WITHIN + 1, (statement, node)
                assert node["Node Type"] != "Seq Scan", statement
        assert session.execute(text("select count(*) from job")).scalar_one() == ROWS
