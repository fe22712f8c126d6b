"""What Prometheus is told about the queues and the processes."""

from __future__ import annotations

import re
from uuid import UUID

import psycopg

from bursar import schedules
from bursar.database import Database
from bursar.jobs.sweep import tenants_with_due
from bursar.proof.rounds import prove
from tests.api_client import Api


def gauge(api: Api, name: str) -> float | None:
    text = api._client.get("/metrics", headers={"Authorization": f"Bearer {api.key}"}).text
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else None


def test_a_beat_that_stopped_shows_its_age(
    api: Api, database: Database, superuser: psycopg.Connection
) -> None:
    schedules.beat(database, "beat")
    age = gauge(api, 'bursar_heartbeat_age_seconds{process="beat"}')
    assert age is not None
    assert age < 60
    superuser.execute("update heartbeat set seen_at = now() - interval '10 min' where name='beat'")
    superuser.commit()
    later = gauge(api, 'bursar_heartbeat_age_seconds{process="beat"}')
    assert later is not None
    assert 600 <= later < 700


def test_the_oldest_job_of_a_queue_shows_how_long_it_waits(
    api: Api, superuser: psycopg.Connection
) -> None:
    made = api.upload("/imports", b"Department,Fiscal Year,Budget\nOps,FY2026,5\n")
    assert made.status_code == 202
    superuser.execute(
        "update job set run_after = now() - interval '1 hour' where id = %s",
        (made.get_json()["job_id"],),
    )
    superuser.commit()
    age = gauge(api, 'bursar_oldest_job_seconds{queue="imports"}')
    assert age is not None
    assert age >= 3_600


def test_a_ledger_that_waits_for_its_proof_shows_how_long(
    api: Api, database: Database, tenant_id: UUID, superuser: psycopg.Connection
) -> None:
    with database.transaction(tenant_id, "test") as session:
        prove(session, tenant_id)
    superuser.execute(
        "update ledger_watch set proven_at = now() - interval '1 day', frozen = 3"
        " where tenant_id = %s", (tenant_id,),
    )  # fmt: skip
    superuser.commit()
    age = gauge(api, 'bursar_ledger_age_seconds{what="proven"}')
    assert age is not None
    assert age >= 86_400
    assert (gauge(api, "bursar_ledger_frozen_accounts") or 0) >= 3
    assert tenants_with_due(database, "proof").index(tenant_id) < len(
        tenants_with_due(database, "all")
    )
