"""The page of operations: its numbers are those of the rows, its buttons only for some."""

from __future__ import annotations

import re
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import func

from bursar import schedules
from bursar.config import settings
from bursar.database import Database
from bursar.tenants import create_tenant
from tests.bursar.importing.test_rates import Past
from tests.bursar.jobs.test_overview import add
from tests.web.pages.conftest import MakeVisitor, Visitor
from tests.web.pages.test_dashboard import plain
from web.pages.operations import SCHEDULES

ERROR = {"code": "unexpected", "detail": "An unforeseen KeyError was logged."}


def test_every_schedule_has_words() -> None:
    assert set(SCHEDULES) == set(schedules.HOUSEKEEPING)


def test_the_numbers_are_those_of_plain_sql(
    visitor: Visitor, database: Database, tenant_id: UUID, superuser: psycopg.Connection
) -> None:
    past = Past(database, tenant_id)
    for state, took in (("completed", 1.25), ("completed_with_errors", 3.35), ("failed", 90)):
        past.add(state, took=took)
    past.add("completed", took=2, from_source=True, warnings=["Odd."])
    add(database, tenant_id, "queued")
    rate, seconds = superuser.execute(
        "select round(100.0 * count(*) filter (where state like 'completed%%') / count(*), 1),"
        " round(avg(extract(epoch from completed_at - created_at))"
        " filter (where state like 'completed%%'), 1)"
        " from import_run where tenant_id = %s and created_at > now() - interval '24 hours'",
        (tenant_id,),
    ).fetchone() or (None, None)
    for path in ("/operations", "/operations/now"):
        text = plain(visitor.get(path).text)
        assert f"{rate} % succeeded: 3 of 4" in text
        assert f"{seconds} s from asked to done" in text
        assert "Harbour sftp 0 1 1" in text
        assert "Import a file imports 1 0 0" in text


def test_what_went_wrong_comes_first_and_is_tried_again(
    visitor: Visitor, database: Database, tenant_id: UUID
) -> None:
    assert "were given up" not in visitor.get("/operations").text
    job_id = add(database, tenant_id, "dead", error=ERROR, finished_at=func.now())
    html = visitor.get("/operations").text
    assert "Somebody has to look after this" in html
    assert "Jobs were given up in the last day" in html
    assert re.search(rf'href="/jobs/{job_id}">An unforeseen KeyError was logged\.</a>', html)
    answer = visitor.send(f"/jobs/{job_id}/retry", seen="/operations", next="/operations")
    assert answer.location == "/operations"
    assert "were given up" not in visitor.get("/operations").text


def test_silence_and_lateness_are_said_first(
    visitor: Visitor, database: Database, superuser: psycopg.Connection
) -> None:
    for name in ("worker", "beat"):
        schedules.beat(database, name)
    schedules.take_due(database)
    assert "No worker shows itself" not in visitor.get("/operations").text
    superuser.execute("update heartbeat set seen_at = now() - interval '5 min'")
    superuser.execute("update schedule set next_due_at = now() - interval '5 min'")
    superuser.commit()
    text = plain(visitor.get("/operations").text)
    assert "No worker shows itself" in text
    assert "The clock (beat) does not show itself" in text
    assert "Schedules that are late: expire_holds" in text
    schedules.take_due(database)


def test_a_schedule_rests_and_goes_on(visitor: Visitor, database: Database) -> None:
    schedules.take_due(database)
    place = "/operations/schedules/seal_ledger"
    try:
        answer = visitor.send(f"{place}/pause", seen="/operations")
        assert answer.location == "/operations"
        text = plain(visitor.get("/operations").text)
        assert "“Seal the ledger” rests" in text
        assert "paused for all organisations: seal_ledger" in text
        assert f'action="{place}/resume"' in visitor.get("/operations").text
        assert {s.name for s in schedules.all_schedules(database) if s.paused} == {"seal_ledger"}
    finally:
        visitor.send(f"{place}/resume", seen="/operations")
    assert not any(one.paused for one in schedules.all_schedules(database))
    unknown = visitor.send("/operations/schedules/nothing/pause", seen="/operations")
    assert (unknown.status_code, "There is no schedule" in unknown.text) == (404, True)


def test_who_may_only_read_sees_all_but_the_buttons(
    make_visitor: MakeVisitor, database: Database, tenant_id: UUID
) -> None:
    job_id = add(database, tenant_id, "dead", error=ERROR)
    schedules.take_due(database)
    for role in ("member", "auditor", "approver"):
        reader = make_visitor(role)
        html = reader.get("/operations").text
        assert "Seal the ledger" in html
        assert "<form" not in html[html.index("<main") :]
        for path in ("/jobs", f"/jobs/{job_id}"):
            html = reader.get(path).text
            assert 'method="post"' not in html[html.index("<main") :]
            assert "checkbox" not in html[html.index("<main") :]
        for path in ("/operations/schedules/seal_ledger/pause",
                     "/operations/schedules/seal_ledger/resume", "/jobs/retry", "/jobs/cancel",
                     f"/jobs/{job_id}/retry", f"/jobs/{job_id}/cancel"):  # fmt: skip
            assert reader.send(path).status_code == 403, (role, path)
    assert make_visitor("partner").get("/operations").status_code == 403
    assert not any(one.paused for one in schedules.all_schedules(database))


def test_only_the_operator_s_own_tenants_pause_where_they_are_named(
    visitor: Visitor, database: Database, make_visitor: MakeVisitor, tenant_id: UUID,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    schedules.take_due(database)
    monkeypatch.setattr(settings(), "operator_tenants", str(tenant_id))
    stranger = make_visitor("admin", create_tenant(database, "Stranger"))
    assert "/schedules/" not in stranger.get("/operations").text
    refused = stranger.send("/operations/schedules/seal_ledger/pause")
    assert (refused.status_code, "BURSAR_OPERATOR_TENANTS" in refused.text) == (403, True)
    assert "/schedules/seal_ledger/pause" in visitor.get("/operations").text


def test_whatever_can_have_the_focus_keeps_it_over_a_look(
    visitor: Visitor, database: Database, tenant_id: UUID
) -> None:
    schedules.take_due(database)
    add(database, tenant_id, "dead", error=ERROR, finished_at=func.now())
    add(database, tenant_id, "queued")
    Past(database, tenant_id).add("failed", from_source=True, warnings=["Odd."])
    html = visitor.get("/operations/now").text
    focusable = re.findall(r"<(?:a|button|summary)\b[^>]*>|<[^>]*\btabindex=[^>]*>", html)
    assert len(focusable) > 20
    assert [tag for tag in focusable if not re.search(r'\sid="[^"]+"', tag)] == []
    ids = re.findall(r'\sid="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    assert 'name="next" value="/operations"' in html


def test_the_page_carries_no_script_or_style_of_its_own(visitor: Visitor) -> None:
    for path in ("/operations", "/operations/now"):
        html = visitor.get(path).text
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=\"/static/)", html)
        assert not re.search(r'(?:src|href|action)="(?:https?:)?//', html)
