"""The page of alerts, without a browser: filters, what each is about, and seeing to several."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from bursar import alerts
from bursar.database import Database
from bursar.errors import NotFound
from bursar.reports import foreseeing
from bursar.tenants import create_tenant
from schema.tables import Alert, AuditLog, Source
from tests.conftest import MakeBudget
from tests.web.pages.conftest import MakeVisitor, Visitor
from web.pages.alerts import TYPES


@pytest.fixture
def own(database: Database) -> UUID:
    """A tenant without alerts."""
    return create_tenant(database, "Alerts")


@pytest.fixture
def mia(make_visitor: MakeVisitor, own: UUID) -> Visitor:
    return make_visitor("admin", own)


def tell(database: Database, tenant: UUID, message: str, **more: Any) -> UUID:
    kind, details = more.pop("kind", "frequent_fixes"), more.pop("details", {})
    with database.transaction(tenant, "test") as session:
        alerts.raise_alert(
            session, tenant, kind, "warning", message, details, uuid4().hex, tell=False, **more
        )
        query = select(Alert.id).where(Alert.message == message)
        return session.execute(query).scalar_one()


def test_filters_live_in_the_address(mia: Visitor, own: UUID, database: Database) -> None:
    assert "No alerts yet" in mia.get("/alerts").text
    first = tell(database, own, "the first one")
    tell(database, own, "the late one", kind="source_late")
    with database.transaction(own, "test") as session:
        alerts.resolve(session, first, "key:gone")
    page = mia.get("/alerts").text
    assert page.index("the late one") < page.index("the first one")
    assert "Ask whoever sends the file" in page
    assert "Resolved by An API key" in page
    assert "the first one" not in mia.get("/alerts", state="open").text
    assert "the late one" not in mia.get("/alerts", type="frequent_fixes").text
    assert "No such alerts" in mia.get("/alerts", state="acknowledged").text
    # What no filter knows filters nothing.
    assert "the late one" in mia.get("/alerts", state="x", type="'", budget="y").text


def test_pages_follow_each_other_and_keep_the_filter(
    mia: Visitor, own: UUID, database: Database
) -> None:
    for number in range(30):
        tell(database, own, f"alert {number:02}")
    page = mia.get("/alerts", state="open", _scheme="javascript").text
    assert "alert 29" in page
    assert "alert 04" not in page
    following = re.search(r'href="(/alerts\?[^"]+)" rel="next"', page)
    assert following is not None
    second = mia.client.get(following[1].replace("&amp;", "&")).text
    assert "alert 04" in second
    assert "alert 29" not in second
    assert '<option value="open" selected>' in second


def test_what_an_alert_is_about_is_linked_while_it_is_there(
    visitor: Visitor, tenant_id: UUID, database: Database, make_budget: MakeBudget
) -> None:
    budget = make_budget("100")
    with database.transaction(tenant_id, "test") as session:
        there, gone = (
            Source(tenant_id=tenant_id, name=f"Feed {n} {uuid4().hex}", type="s3", config={},
                   created_by="test", time_zone="UTC")
            for n in (1, 2)
        )  # fmt: skip
        session.add_all([there, gone])
        session.flush()
        gone.deleted_at = there.created_at
        names = there.name, gone.name
        ids = there.id, gone.id
    run = uuid4()
    tell(database, tenant_id, f"{budget} is over", kind="over_budget", budget_id=budget)
    details = {"source_id": str(ids[0]), "import_id": str(run), "job_id": "no id"}
    tell(database, tenant_id, f"{run} waits", kind="source_file_waiting", details=details)
    tell(database, tenant_id, "not closed", kind="close_failed", details={"job_id": str(run)})
    tell(database, tenant_id, f"{ids[1]} is late", details={"source_id": str(ids[1])})
    page = visitor.get("/alerts").text
    for address in (f"/budgets/{budget}", f"/sources/{ids[0]}", f"/imports/{run}", f"/jobs/{run}"):
        assert f'href="{address}"' in page
    assert f'href="/sources/{ids[1]}"' not in page
    assert all(name in page for name in names)
    only = visitor.get("/alerts", budget=str(budget)).text
    assert f"{budget} is over" in only
    assert f"{run} waits" not in only


def test_several_are_seen_to_at_once_by_name(mia: Visitor, own: UUID, database: Database) -> None:
    ids = [tell(database, own, f"matter {n}") for n in range(3)]
    answer = mia.send("/alerts?state=open", seen="/alerts", do="acknowledge", alert=ids[:2])
    assert (answer.status_code, answer.location) == (303, "/alerts?state=open")
    page = mia.get("/alerts").text
    assert "2 alerts are marked as seen." in page
    assert page.count("Seen by Mia Member") == 2
    mia.send("/alerts", seen="/alerts", do="resolve", alert=[ids[0], "nonsense"])
    assert mia.get("/alerts", state="resolved").text.count("Resolved by Mia Member") == 1
    none = mia.send("/alerts", seen="/alerts", do="resolve")
    assert (none.status_code, "Choose at least one" in none.text) == (422, True)
    query = select(AuditLog.actor).where(AuditLog.object_id == ids[0], AuditLog.action == "update")
    with database.transaction(own, "test") as session:
        actors = list(session.execute(query).scalars())
    assert len(actors) == 2
    assert all(actor.startswith("user:") for actor in actors)


def test_one_that_is_not_there_leaves_all_as_they_were(
    mia: Visitor, own: UUID, database: Database
) -> None:
    mine = tell(database, own, "mine")
    theirs = tell(database, create_tenant(database, "Other"), "theirs")
    answer = mia.send("/alerts", seen="/alerts", do="resolve", alert=[mine, theirs])
    assert answer.status_code == 404
    with database.transaction(own, "test") as session:
        assert session.get(Alert, (own, mine)).state == "open"  # type: ignore[union-attr]
        with pytest.raises(NotFound):
            alerts.change_many(session, [theirs], alerts.resolve, "test")


def test_who_may_only_read_sees_no_boxes(
    make_visitor: MakeVisitor, own: UUID, database: Database
) -> None:
    tell(database, own, "look at this")
    reader = make_visitor("auditor", own)
    page = reader.get("/alerts").text
    assert "look at this" in page
    assert 'type="checkbox"' not in page[page.index("<main") :]
    assert reader.send("/alerts", do="resolve").status_code == 403


def raised_in_code() -> set[str]:
    """The types of alerts that a call in the code names, and those of thresholds."""
    found = set(alerts.THRESHOLDS) | {foreseeing.KIND}
    for top in ("bursar", "connectors"):
        for path in (Path(__file__).parents[3] / top).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                name = getattr(node, "func", None)
                called = getattr(name, "attr", getattr(name, "id", ""))
                if isinstance(node, ast.Call) and called in {"raise_alert", "alarm", "alarm_file"}:
                    kind = node.args[2]
                    found |= {str(kind.value)} if isinstance(kind, ast.Constant) else set()
    return found


def test_every_type_of_alert_has_its_words_and_a_next_step() -> None:
    raised = raised_in_code()
    assert {"source_late", "over_budget", "transfer_pending", "webhook_failing"} <= raised
    assert raised - set(TYPES) == set()
