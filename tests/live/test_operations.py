"""The pages of operations in a real browser: by mouse and by keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import func

from bursar.config import Settings
from bursar.database import Database
from bursar.jobs import rows
from bursar.tenants import create_member
from ops.cli.client import local_database
from ops.stack.home import open_home
from tests.bursar.importing.test_rates import Past
from tests.bursar.jobs.test_overview import add
from tests.live.browser import Watched, tab_to
from tests.live.stack import PASSWORD, Live

AWAY = {"code": "transient", "detail": "The database was not available for a while."}
LATER = timedelta(hours=1)


@pytest.fixture
def database(mine: Live) -> Iterator[Database]:
    opened = local_database(open_home(mine.home), Settings(database_url="", home=mine.home))
    yield opened
    opened.close()


def dead(database: Database, tenant_id: UUID, **more: Any) -> UUID:
    """A job that was given up, and that succeeds when it is tried again."""
    given = {"kind": "ledger.reconcile", "queue": "periods", "error": AWAY, "attempts": 3}
    return add(database, tenant_id, "dead", finished_at=func.now(), **(given | more))


def ended(database: Database, tenant_id: UUID, job_id: UUID, page: Page) -> str:
    """The state of a job, when a worker is done with it."""
    for _ in range(120):
        with database.transaction(tenant_id) as session:
            state = rows.get_job(session, job_id).state
        if state in rows.ENDED:
            return state
        page.wait_for_timeout(250)
    raise AssertionError(f"the job is still {state}")


def test_the_numbers_look_again_by_themselves_and_leave_the_focus_alone(
    watched: Watched, mine: Live, database: Database
) -> None:
    past = Past(database, mine.tenant_id)
    past.add("completed", took=2)
    past.add("failed", from_source=True, error={"code": "not_a_budget"}, warnings=["Payroll."])
    page = watched.log_in(mine)
    page.get_by_role("link", name="Operations").click()
    page.get_by_role("heading", name="Operations").wait_for()
    expect(page.get_by_role("row").filter(has_text="Workers")).to_contain_text("Healthy")
    expect(page.get_by_role("row").filter(has_text="Clock (beat)")).to_contain_text("Healthy")
    expect(page.get_by_text("50.0 % succeeded: 1 of 2")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="Harbour")).to_be_visible()
    watched.check()

    page.evaluate("window.before = true")
    tab_to(page, "button", "Pause Seal the ledger")
    top = page.evaluate("scrollY")
    gone = dead(database, mine.tenant_id)
    add(database, mine.tenant_id, "queued", run_after=func.now() + LATER)
    page.get_by_text("Jobs were given up in the last day").wait_for()
    expect(page.locator(f"#job-{gone}")).to_have_text(AWAY["detail"])
    expect(page.locator("#waiting")).to_contain_text("Import a file")
    assert page.evaluate("window.before") is True, "the page was loaded anew"
    assert page.evaluate("document.activeElement.id") == "hand-seal_ledger"
    assert abs(page.evaluate("scrollY") - top) < 400, "what was read has moved out of sight"
    watched.check()

    page.keyboard.press("Enter")
    page.get_by_text("“Seal the ledger” rests").wait_for()
    expect(page.get_by_text("paused for all organisations: seal_ledger")).to_be_visible()
    watched.check()
    seen = page.get_by_text("As of ")
    hand = page.get_by_role("button", name="Let it go on Seal the ledger")
    hand.hover()
    page.mouse.down()
    before = seen.inner_text()
    page.wait_for_timeout(6_500)
    assert seen.inner_text() == before, "what is being pressed was exchanged"
    page.mouse.up()
    page.get_by_text("“Seal the ledger” goes on").wait_for()
    page.get_by_role("button", name="Try again Reconcile the ledger").click()
    page.get_by_text("The job is queued again.").wait_for()
    assert page.url.endswith("/operations")
    assert ended(database, mine.tenant_id, gone, page) == "succeeded"
    page.get_by_text("Everything runs.").wait_for()
    watched.check()


def test_jobs_are_narrowed_chosen_and_changed_together(
    watched: Watched, mine: Live, database: Database
) -> None:
    seals = [dead(database, mine.tenant_id, kind="ledger.seal") for _ in range(2)]
    again = [dead(database, mine.tenant_id) for _ in range(3)]
    waits = add(database, mine.tenant_id, "queued", run_after=func.now() + LATER)
    watched.log_in(mine)
    page = watched.open("/jobs")
    watched.check()
    own = page.viewport_size
    assert own is not None
    page.set_viewport_size({"width": 768, "height": 800})
    watched.check()
    page.set_viewport_size(own)
    page.get_by_label("State").select_option("dead")
    page.get_by_label("Kind").select_option("ledger.reconcile")
    page.get_by_label("Kind").focus()
    page.keyboard.press("Tab")
    page.keyboard.type("not available")
    page.keyboard.press("Enter")
    page.wait_for_url("**/jobs?state=dead&kind=ledger.reconcile&q=not+available")
    expect(page.locator("tbody tr")).to_have_count(3)
    watched.check()

    boxes = page.get_by_role("checkbox")
    boxes.nth(0).check()
    boxes.nth(1).focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Try the chosen again").click()
    page.get_by_text("Jobs queued again: 2.").wait_for()
    assert "q=not+available" in page.url
    expect(page.locator("tbody tr")).to_have_count(1)
    watched.check()
    for job_id in again[1:]:
        assert ended(database, mine.tenant_id, job_id, page) == "succeeded"

    watched.open("/jobs?state=dead&kind=ledger.seal")
    tab_to(page, "button", "Try again all that the filter shows")
    page.keyboard.press("Enter")
    page.get_by_text("Jobs queued again: 2.").wait_for()
    watched.check()
    for job_id in seals:
        assert ended(database, mine.tenant_id, job_id, page) == "succeeded"

    watched.open(f"/jobs?q={str(waits)[:18]}")
    page.get_by_role("link", name="Import a file of").click()
    page.get_by_role("heading", name="Import a file").wait_for()
    watched.check()
    page.get_by_role("button", name="Cancel the job").click()
    page.get_by_text("Cancelled by Ada Admin, when it was “Waiting for a worker”").wait_for()
    watched.check()
    watched.open(f"/jobs/{again[0]}")
    expect(page.get_by_text(AWAY["detail"])).to_be_visible()
    watched.check()


def test_who_may_only_read_sees_everything_and_no_button(
    watched: Watched, mine: Live, database: Database
) -> None:
    job_id = dead(database, mine.tenant_id)
    email = f"{uuid4().hex[:8]}@live.example"
    with database.transaction(mine.tenant_id, "test") as session:
        create_member(session, mine.tenant_id, email, PASSWORD, "member", "Mo Member")
    member = Live(mine.url, "", mine.tenant_id, email, PASSWORD, mine.home)
    page = watched.log_in(member)
    for path in ("/operations", "/jobs", f"/jobs/{job_id}"):
        watched.open(path)
        expect(page.get_by_text(AWAY["detail"])).to_be_visible()
        assert page.get_by_role("main").locator("form[method=post], [type=checkbox]").count() == 0
        watched.check()
