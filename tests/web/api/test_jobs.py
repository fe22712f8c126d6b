"""Many jobs tried again and cancelled over the API, and found by id and error."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest

from bursar.database import Database
from bursar.tenants import create_tenant
from bursar.trail import changes_of
from tests.api_client import Api, code_of
from tests.bursar.jobs.test_overview import add
from tests.conftest import MakeApi

GOOD = b"Department,Budget,Year\nOps,5,FY2025\n"


def test_named_jobs_are_cancelled_and_tried_again_with_what_they_work_on(
    api: Api, make_api: MakeApi, database: Database, tenant_id: UUID
) -> None:
    started = [api.upload("/imports", GOOD + b"Legal,%d,FY2025\n" % n).get_json() for n in (1, 2)]
    ids = [one["job_id"] for one in started]

    def states() -> set[str]:
        return {api.get(f"/imports/{one['id']}").get_json()["state"] for one in started}

    cancelled = api.post("/jobs/cancel", {"ids": [*ids, str(uuid4())]})
    assert cancelled.status_code == 202
    answer = cancelled.get_json()
    assert (sorted(answer["ids"]), answer["left_alone"], answer["more"]) == (sorted(ids), 1, False)
    assert states() == {"cancelled"}
    again = api.post("/jobs/retry", {"state": "cancelled", "kind": "imports.run"})
    assert sorted(again.get_json()["ids"]) == sorted(ids)
    assert states() == {"received"}
    with database.transaction(tenant_id) as session:
        told = changes_of(session, "job", UUID(ids[0])).rows
    assert [change.action for change in told] == ["retry", "cancel"]
    assert {change.actor.partition(":")[0] for change in told} == {"key"}


def test_the_same_key_changes_nothing_twice(api: Api, database: Database, tenant_id: UUID) -> None:
    job_id = str(add(database, tenant_id, "dead"))
    once = {"headers": {"Idempotency-Key": uuid4().hex}}
    first = api.post("/jobs/retry", {"state": "dead"}, **once)
    assert first.get_json()["ids"] == [job_id]
    second = api.post("/jobs/retry", {"state": "dead"}, **once)
    assert second.headers["Idempotency-Replayed"] == "true"
    assert second.get_json() == first.get_json()


@pytest.mark.parametrize(
    "body",
    [{}, {"kind": "imports.run"}, {"ids": []}, {"ids": ["x"]}, {"state": "succeeded"},
     {"ids": [str(uuid4())], "state": "dead"}, {"ids": [str(uuid4())], "kind": "imports.run"},
     {"ids": [str(uuid4()) for _ in range(501)]}, {"state": "dead", "all": True}],
)  # fmt: skip
def test_a_choice_that_is_none_is_refused(api: Api, body: dict[str, Any]) -> None:
    for path in ("/jobs/retry", "/jobs/cancel"):
        assert code_of(api.post(path, body))[0] == 422, (path, body)


def test_another_tenant_s_jobs_are_not_reached(
    database: Database, make_api: MakeApi, tenant_id: UUID
) -> None:
    job_id = add(database, tenant_id, "dead")
    stranger = make_api("admin", create_tenant(database, "Stranger"))
    named = stranger.post("/jobs/retry", {"ids": [str(job_id)]}).get_json()
    assert (named["ids"], named["left_alone"]) == ([], 1)
    assert stranger.post("/jobs/retry", {"state": "dead"}).get_json()["ids"] == []
    assert stranger.get("/jobs", q=str(job_id)).get_json()["data"] == []


def test_jobs_are_found_by_id_and_error(api: Api, database: Database, tenant_id: UUID) -> None:
    job_id = add(database, tenant_id, "dead", error={"code": "x", "detail": "The host was away."})
    add(database, tenant_id, "dead")
    for q in (str(job_id), str(job_id)[:-2], "host was"):
        assert [job["id"] for job in api.get("/jobs", q=q).get_json()["data"]] == [str(job_id)], q
