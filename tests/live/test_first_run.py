"""A new organisation in a real browser: its first budgets with what the pages show alone."""

from __future__ import annotations

import time

from tests.live.browser import Watched, settled
from tests.live.stack import Live


def test_a_new_organisation_gets_from_log_in_to_its_first_budgets(
    watched: Watched, mine: Live
) -> None:
    started = time.monotonic()
    page = watched.log_in(mine)
    page.get_by_role("heading", name="No budgets yet").wait_for()
    watched.check()
    steps = page.get_by_role("region", name="First steps")
    steps.get_by_text("1 of 4 done").wait_for()  # it has a key: that of the tests
    steps.get_by_role("link", name="Import a file").click()
    with page.expect_download() as fetched:
        page.get_by_role("link", name="Download an example workbook").click()
    example = {
        "name": fetched.value.suggested_filename,
        "mimeType": "application/octet-stream",
        "buffer": fetched.value.path().read_bytes(),
    }
    watched.check()
    page.get_by_label("Budget file").set_input_files(example)  # type: ignore[arg-type]
    page.get_by_role("button", name="Upload and map").click()
    page.get_by_role("button", name="Go on to the review").click()
    page.get_by_role("button", name="Import now").click()
    settled(page)
    page.get_by_role("link", name="See the budgets of this import").click()
    page.get_by_role("row").filter(has_text="Software").wait_for()
    page.get_by_role("link", name="Dashboard").click()
    page.get_by_text("2 of 4 done").wait_for()
    page.get_by_role("row").filter(has_text="120,000").wait_for()
    watched.check()
    assert time.monotonic() - started < 120
    steps.locator("summary").click()
    page.get_by_role("button", name="Put away the first steps").click()
    page.get_by_text("The first steps are put away.").wait_for()
    assert steps.count() == 0


def test_sample_data_comes_and_goes_at_a_press(watched: Watched, mine: Live) -> None:
    page = watched.log_in(mine)
    page.get_by_role("button", name="Try it with sample data").click()
    page.get_by_text("This organisation holds sample data.").wait_for()  # by a refresh of its own
    page.get_by_role("heading", name="Needs attention").wait_for()
    page.get_by_text("The budget is close to its hard cap.").first.wait_for()
    page.get_by_role("row").filter(has_text="Advertising").first.wait_for()
    watched.check()
    page = watched.open("/budgets")
    page.get_by_role("row").filter(has_text="Contingency").wait_for()
    watched.check()
    page.get_by_role("button", name="Remove it").click()
    page.get_by_role("heading", name="No budgets yet").wait_for()
    page.get_by_role("button", name="Try it with sample data").wait_for()
    assert page.get_by_text("holds sample data").count() == 0
    assert page.get_by_text("Last imports").count() == 0
    watched.check()
    page = watched.open("/alerts?state=open")
    page.get_by_role("heading", name="No such alerts").wait_for()
    page = watched.open("/imports")
    page.get_by_role("row").filter(has_text="Undone").wait_for()


def test_empty_lists_have_nothing_to_complain_of(watched: Watched, mine: Live) -> None:
    watched.log_in(mine)
    for path in ("/budgets", "/imports", "/imports/templates", "/sources", "/alerts", "/webhooks",
                 "/jobs", "/settings/members?gone=yes", "/settings/rules",
                 "/settings/periods", "/settings/organisation"):  # fmt: skip
        page = watched.open(path)
        assert page.get_by_role("main").get_by_text(".").first.is_visible(), path
        watched.check()


def test_the_shell_does_the_same(mine: Live) -> None:
    loaded = mine.command("samples", "load", "--tenant", str(mine.tenant_id))
    assert (loaded.returncode, "15" in loaded.stdout) == (0, True), loaded.stderr
    again = mine.command("samples", "load", "--tenant", str(mine.tenant_id))
    assert (again.returncode, "samples_present" in again.stderr) == (1, True)
    gone = mine.command("samples", "remove", "--tenant", str(mine.tenant_id))
    assert (gone.returncode, gone.stdout) == (0, "removed 15 sample budgets\n"), gone.stderr
    again = mine.command("samples", "remove", "--tenant", str(mine.tenant_id))
    assert (again.returncode, "samples_absent" in again.stderr) == (1, True)
