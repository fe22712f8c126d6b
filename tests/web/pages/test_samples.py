"""Sample data on the pages: who may load and remove it, and what they see."""

from __future__ import annotations

import time
from collections.abc import Callable
from uuid import UUID

import pytest

from bursar.database import Database
from bursar.importing.applying import run_import
from bursar.importing.runs import record_failure
from bursar.jobs import runner
from bursar.jobs.lease import Lease
from bursar.jobs.rows import get_job
from bursar.samples.loading import go_on
from bursar.samples.removing import remove_samples
from bursar.samples.spending import spend_samples
from bursar.samples.standing import standing
from tests.api_client import Api
from tests.conftest import MakeBudget
from tests.web.pages.conftest import MakeVisitor, Visitor

BUTTON = "Try it with sample data"


@pytest.fixture
def work_off(database: Database, tenant_id: UUID) -> Callable[[], None]:
    """Carries on what a worker would do with the sample data, one job."""

    def work_off() -> None:
        with database.transaction(tenant_id) as session:
            found = standing(session)
        assert found is not None

        def load(lease: Lease) -> None:
            run_import(lease, and_then=lambda s, r: go_on(s, r, lease.actor))

        works = {"imports.run": load, "samples.spend": spend_samples,
                 "samples.remove": remove_samples}  # fmt: skip
        with database.transaction(tenant_id) as session:
            kind = get_job(session, found.job_id).kind
        failed = record_failure if kind == "imports.run" else runner.nothing_to_tell
        assert runner.run(database, tenant_id, found.job_id, works[kind], failed) == "succeeded"

    return work_off


def page_of_budgets(visitor: Visitor) -> str:
    return visitor.get("/budgets").text


def test_sample_data_comes_and_goes_by_a_press_each(
    visitor: Visitor, make_budget: MakeBudget, work_off: Callable[[], None]
) -> None:
    assert BUTTON in visitor.get("/").text
    assert visitor.send("/samples", seen="/").location == "/"
    page = visitor.get("/").text
    assert "Sample data is on its way." in page
    assert BUTTON not in page
    assert visitor.get("/samples/progress", seen="arriving").status_code == 204
    work_off()
    work_off()
    assert visitor.get("/samples/progress", seen="arriving").headers["HX-Refresh"] == "true"
    own = make_budget("77", department="Own")
    for path in ("/", "/budgets", "/settings/organisation", "/imports"):
        page = visitor.get(path).text
        assert "This organisation holds sample data." in page, path
        assert "Remove it" in page, path
    assert "Marketing (sample)" in page_of_budgets(visitor)
    assert visitor.send("/samples/remove", seen="/").location == "/"
    assert "The sample data is being removed." in visitor.get("/").text
    work_off()
    page = page_of_budgets(visitor)
    assert "sample data" not in page
    assert "(sample)" not in page
    assert str(own) in page
    assert BUTTON in visitor.get("/settings/organisation").text


def test_pressing_twice_does_no_harm(visitor: Visitor, work_off: Callable[[], None]) -> None:
    for _ in range(2):
        assert visitor.send("/samples", seen="/").status_code == 303
    assert "Sample data is here already" in visitor.get("/").text
    work_off()
    work_off()
    for _ in range(2):
        assert visitor.send("/samples/remove", seen="/").status_code == 303
    work_off()
    assert visitor.send("/samples/remove", seen="/").status_code == 303
    time.sleep(1.1)  # the dashboard is remembered for a second
    page = visitor.get("/").text
    assert "There is no sample data here." in page
    assert BUTTON in page
    assert "Last imports" not in page


@pytest.mark.parametrize("role", ["approver", "member", "auditor"])
def test_others_see_the_banner_and_no_button(
    visitor: Visitor, make_visitor: MakeVisitor, work_off: Callable[[], None], role: str
) -> None:
    other = make_visitor(role)
    assert BUTTON not in other.get("/").text
    assert other.send("/samples", seen="/").status_code == 403
    visitor.send("/samples", seen="/")
    work_off()
    work_off()
    page = other.get("/").text
    assert "This organisation holds sample data." in page
    assert "Remove it" not in page
    assert other.send("/samples/remove", seen="/").status_code == 403


def test_a_planner_may_do_both(make_visitor: MakeVisitor, work_off: Callable[[], None]) -> None:
    planner = make_visitor("fpa")
    assert BUTTON in planner.get("/").text
    assert planner.send("/samples", seen="/").status_code == 303
    work_off()
    work_off()
    assert "Remove it" in planner.get("/").text
    assert planner.send("/samples/remove", seen="/").status_code == 303


def test_the_api_does_the_same(api: Api, visitor: Visitor, work_off: Callable[[], None]) -> None:
    started = api.post("/samples")
    assert started.status_code == 202
    assert api.post("/samples").get_json()["code"] == "samples_present"
    work_off()
    work_off()
    run = api.get(f"/imports/{started.get_json()['id']}").get_json()
    assert (run["state"], run["source_type"]) == ("completed", "sample")
    assert api.get("/alerts", state="open").get_json()["data"]
    gone = api.call("DELETE", "/samples")
    assert gone.status_code == 202
    work_off()
    job = api.get(f"/jobs/{gone.get_json()['job_id']}").get_json()
    assert (job["state"], job["result"]) == ("succeeded", {"removed": 15})
    page = visitor.get(f"/imports/{started.get_json()['id']}").text
    assert "15 budgets went back" in page
    again = api.call("DELETE", "/samples")
    assert (again.status_code, again.get_json()["code"]) == (404, "samples_absent")
    assert api.get("/budgets").get_json()["data"] == []
    assert api.get("/alerts", state="open").get_json()["data"] == []
