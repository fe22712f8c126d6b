"""Success rate, average time and warnings by source: what plain SQL says of the last day."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import func

from bursar.database import Database
from bursar.importing.rates import rates, warnings_by_source
from schema.tables import ImportRun, Source, SourceFile, StoredFile

DAY = timedelta(days=1)


class Past:
    """Imports as they went at other times."""

    def __init__(self, database: Database, tenant_id: UUID) -> None:
        self.database, self.tenant_id = database, tenant_id
        with database.transaction(tenant_id, "test") as session:
            stored = StoredFile(
                tenant_id=tenant_id, sha256=sha256(b"x").digest(), size_bytes=1, name="x.csv",
                created_by="test",
            )  # fmt: skip
            source = Source(
                tenant_id=tenant_id, name="Harbour", type="sftp", config={}, time_zone="UTC",
                created_by="test",
            )  # fmt: skip
            session.add_all([stored, source])
            session.flush()
            self.file_id, self.source_id = stored.id, source.id

    def add(
        self, state: str, *, ago: timedelta = timedelta(hours=1), took: float | None = None,
        from_source: bool = False, **fields: Any,
    ) -> None:  # fmt: skip
        asked = func.now() - ago
        run = ImportRun(
            tenant_id=self.tenant_id, file_id=self.file_id, state=state, created_by="test",
            created_at=asked, source_type="sftp" if from_source else "upload",
            completed_at=None if took is None else asked + timedelta(seconds=took), **fields,
        )  # fmt: skip
        with self.database.transaction(self.tenant_id, "test") as session:
            session.add(run)
            session.flush()
            if from_source:
                session.add(
                    SourceFile(
                        tenant_id=self.tenant_id, source_id=self.source_id, path=str(run.id),
                        revision="1", import_id=run.id, state="imported",
                    )
                )  # fmt: skip


@pytest.fixture
def past(database: Database, tenant_id: UUID) -> Past:
    return Past(database, tenant_id)


def test_the_rate_and_the_time_are_those_of_plain_sql(
    past: Past, database: Database, tenant_id: UUID, superuser: psycopg.Connection
) -> None:
    ended = {"completed_with_errors": 11, "failed": 900, "cancelled": 5}
    for state, took in (("completed", 2.5), ("completed", 7.5), *ended.items()):
        past.add(state, took=took)
    past.add("planned")
    past.add("received")
    past.add("completed", ago=DAY + timedelta(minutes=1), took=4_000)
    with database.transaction(tenant_id) as session:
        found = rates(session)
    told = superuser.execute(
        "select count(*), 100.0 * count(*) filter (where state like 'completed%%') / count(*),"
        " avg(extract(epoch from completed_at - created_at))"
        " filter (where state like 'completed%%')"
        " from import_run where tenant_id = %s and created_at > now() - interval '24 hours'",
        (tenant_id,),
    ).fetchone()
    assert told is not None
    assert (found.asked, found.seconds) == (told[0], told[2]) == (7, 7)
    assert found.success_percent is not None
    assert round(found.success_percent, 8) == round(told[1], 8)
    assert (found.failed, found.under_way, found.waiting, found.taken_back) == (1, 1, 1, 1)


def test_a_day_without_imports_has_no_rate(database: Database, tenant_id: UUID) -> None:
    with database.transaction(tenant_id) as session:
        found = rates(session)
        assert warnings_by_source(session) == []
    assert (found.asked, found.success_percent, found.seconds) == (0, None, None)


def test_warnings_are_counted_by_source_as_plain_sql_does(
    past: Past, database: Database, tenant_id: UUID, superuser: psycopg.Connection
) -> None:
    payroll: dict[str, Any] = {"analysis": {"detection": {"kind": "payroll"}}}
    budget: dict[str, Any] = {"analysis": {"detection": {"kind": "budget"}}}
    refused = payroll | {"error": {"code": "not_a_budget"}}
    past.add("failed", from_source=True, warnings=["Payroll words."], **refused)
    past.add("completed", from_source=True, warnings=["Two columns look like amounts."], **budget)
    past.add("completed", from_source=True, **budget)
    past.add("completed", force_kind=True, **payroll)
    past.add("completed", force_kind=True, **budget)
    past.add("failed", error={"code": "rows_rejected"}, **budget)
    past.add("failed", ago=2 * DAY, **refused)
    with database.transaction(tenant_id) as session:
        found = {
            (row.source_type, row.source): (row.not_budgets, row.warned, row.files)
            for row in warnings_by_source(session)
        }
    told = superuser.execute(
        "select source_type, count(*) filter (where analysis->'detection'->>'kind' <> 'budget'),"
        " count(*) filter (where jsonb_array_length(warnings) > 0), count(*)"
        " from import_run where tenant_id = %s and created_at > now() - interval '24 hours'"
        " group by 1", (tenant_id,),
    ).fetchall()  # fmt: skip
    assert found == {("sftp", "Harbour"): (1, 2, 3), ("upload", None): (1, 0, 3)}
    assert {key[0]: counts for key, counts in found.items()} == {row[0]: row[1:] for row in told}


def test_the_average_is_exact(past: Past, database: Database, tenant_id: UUID) -> None:
    past.add("completed", took=0.25)
    past.add("completed", took=0.5)
    with database.transaction(tenant_id) as session:
        assert rates(session).seconds == Decimal("0.375")
