"""The list of jobs, many of them changed at once, and the page of one."""

from __future__ import annotations

import re
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from bursar.database import Database
from bursar.jobs import bulk, rows
from bursar.tenants import create_tenant
from schema.tables import JobAttempt
from tests.bursar.jobs.test_overview import add
from tests.web.pages.conftest import MakeVisitor, Visitor
from tests.web.pages.test_dashboard import plain
from web import jobs as handing

ERROR = {"code": "unexpected", "detail": "The host was away.", "errors": []}


def states(database: Database, tenant_id: UUID) -> list[str]:
    with database.transaction(tenant_id) as session:
        return list(
            session.execute(text("select state from job order by created_at, id")).scalars()
        )


def shown(html: str) -> list[str]:
    return re.findall(r'<th scope="row"><a href="/jobs/([0-9a-f-]{36})"', html)


def test_filters_stand_in_the_address_and_narrow_the_list(
    visitor: Visitor, database: Database, tenant_id: UUID
) -> None:
    dead = str(add(database, tenant_id, "dead", error=ERROR))
    seal = str(add(database, tenant_id, "dead", kind="ledger.seal", queue="periods"))
    done = str(add(database, tenant_id, "succeeded"))
    assert shown(visitor.get("/jobs").text) == [done, seal, dead]
    assert shown(visitor.get("/jobs", state="dead").text) == [seal, dead]
    assert shown(visitor.get("/jobs", kind="imports.run").text) == [done, dead]
    assert shown(visitor.get("/jobs", kind="imports.run", state="dead").text) == [dead]
    for q in (dead, dead[:20], "HOST was"):
        assert shown(visitor.get("/jobs", q=q).text) == [dead], q
    assert "No job is so" in visitor.get("/jobs", q=str(uuid4())).text
    assert 'value="HOST was"' in visitor.get("/jobs", q="HOST was").text
    for odd in ("'", "%", "\\", "é" * 300):
        assert visitor.get("/jobs", q=odd).status_code == 200, odd


def test_a_long_search_goes_on_where_it_has_found_nothing_yet(
    visitor: Visitor, database: Database, tenant_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = str(add(database, tenant_id, "dead", error=ERROR))
    add(database, tenant_id, "dead")
    monkeypatch.setattr(rows, "WITHIN", 1)
    first = visitor.get("/jobs", q="host").text
    assert "None among the jobs that were looked through so far" in first
    following = re.search(r'href="([^"]+)" rel="next"', first)
    assert following is not None
    after = following[1].replace("&amp;", "&")
    assert shown(visitor.client.get(after).text) == [wanted]


def test_the_chosen_are_tried_again_and_cancelled(
    visitor: Visitor, database: Database, tenant_id: UUID
) -> None:
    first, second, third = (str(add(database, tenant_id, s)) for s in ("dead", "dead", "succeeded"))
    html = visitor.get("/jobs").text
    assert re.findall(r'name="job" value="([^"]+)"', html) == [second, first]
    sent = visitor.send("/jobs/retry", seen="/jobs", job=[first, third], next="/jobs?state=dead")
    assert sent.location == "/jobs?state=dead"
    assert states(database, tenant_id) == ["queued", "dead", "succeeded"]
    said = plain(visitor.get("/jobs").text)
    assert "Jobs queued again: 1. Left alone, as that cannot be done to them: 1." in said
    visitor.send("/jobs/cancel", seen="/jobs", job=first)
    assert states(database, tenant_id) == ["cancelled", "dead", "succeeded"]
    visitor.send("/jobs/retry", seen="/jobs")
    assert "No job was chosen" in visitor.get("/jobs").text


def test_all_that_the_filter_shows_goes_in_bounded_steps(
    visitor: Visitor, database: Database, tenant_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(5):
        add(database, tenant_id, "dead")
    add(database, tenant_id, "dead", kind="ledger.seal", queue="periods")
    assert "again all that the filter shows" not in visitor.get("/jobs").text
    assert "again all that the filter shows" in visitor.get("/jobs", state="dead").text
    assert "again all that the filter shows" not in visitor.get("/jobs", state="dead", q="x").text
    monkeypatch.setattr(bulk, "STEP", 2)
    monkeypatch.setattr(handing, "STEPS", 2)
    form = {"all": "yes", "state": "dead", "kind": "imports.run"}
    visitor.send("/jobs/retry", seen="/jobs", **form)
    assert "Jobs queued again: 4. There are more: do it again." in plain(visitor.get("/jobs").text)
    visitor.send("/jobs/retry", seen="/jobs", **form)
    assert states(database, tenant_id) == ["queued"] * 5 + ["dead"]
    visitor.send("/jobs/cancel", seen="/jobs", all="yes", state="queued")
    visitor.send("/jobs/cancel", seen="/jobs", all="yes", state="queued")
    assert states(database, tenant_id) == ["cancelled"] * 5 + ["dead"]
    assert visitor.send("/jobs/cancel", seen="/jobs", all="yes", state="dead").status_code == 422


def test_a_job_shows_its_life_and_no_secret(
    visitor: Visitor, make_visitor: MakeVisitor, database: Database, tenant_id: UUID
) -> None:
    payload = {"import_id": str(uuid4()), "password": "hunter2", "note": "<b>"}
    job_id = add(database, tenant_id, "dead", attempts=1, error=ERROR, payload=payload)
    with database.transaction(tenant_id) as session:
        session.add(
            JobAttempt(
                tenant_id=tenant_id, job_id=job_id, attempt_no=1, worker="host:1",
                outcome="dead", error=ERROR,
            )
        )  # fmt: skip
    page = f"/jobs/{job_id}"
    html = visitor.get(page).text
    assert "hunter2" not in html
    assert "<b>" not in html
    text = plain(html)
    for words in ("The host was away.", "host:1", "Given up", str(job_id), "***"):
        assert words in text, words
    assert visitor.send(f"{page}/retry", seen=page, next=page).location == page
    told = plain(visitor.get(page).text)
    assert "Tried again by Mia Member, when it was “Given up”" in told
    visitor.send(f"{page}/cancel", seen=page, next=page)
    assert "Cancelled by Mia Member, when it was “Waiting for a worker”" in plain(
        visitor.get(page).text
    )
    stranger = make_visitor("admin", create_tenant(database, "Stranger"))
    assert stranger.get(page).status_code == 404
    assert visitor.get("/jobs/nothing").status_code == 404
