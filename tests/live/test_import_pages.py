"""An import from file to receipt in a real browser: mapped, asked, refused, mended, undone."""

from __future__ import annotations

import io
from pathlib import Path

import xlsxwriter
from playwright.sync_api import Browser

from ops.cli.client import Client
from tests.live.browser import Watched, choose, settled, tab_to
from tests.live.stack import ROOT, Live


def test_an_import_that_lacks_something_is_mended_from_its_page(
    watched: Watched, mine: Live
) -> None:
    file = ("no_period.csv", b"Department,Budget\nOps,5.50\nLegal,7\n")
    started = Client(mine.url, mine.key).post("/imports", files={"file": file})
    watched.log_in(mine)
    page = watched.open(f"/imports/{started['id']}")
    page.get_by_text("Neither a column nor a default gives “Fiscal period”").wait_for()
    watched.check()
    page.get_by_role("link", name="Review and import again").click()
    page.get_by_role("button", name="Go on to the review").click()
    page.get_by_text("fiscal period is missing").wait_for()
    page.get_by_role("button", name="Import now").click()
    page.get_by_text("Nothing was imported. Mend it below").wait_for()
    # The browser itself says in the console that an answer was 422.
    assert len(watched.complaints) == 1
    assert "422" in watched.complaints.pop()
    watched.check()
    page.get_by_label("Fiscal period").fill("FY2026")
    page.get_by_role("button", name="Import now").click()
    page.get_by_role("link", name="See the budgets of this import").click()
    page.get_by_text("2 budgets found").wait_for()
    page.get_by_role("row").filter(has_text="Legal").wait_for()


def test_an_import_needs_no_mouse_and_no_script(browser: Browser, mine: Live) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        watched = Watched(context, mine)
        page = watched.open("/login?next=/imports/new")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")  # the skip link
        page.get_by_label("E-mail address").focus()
        page.keyboard.type(mine.email)
        page.keyboard.press("Tab")
        page.keyboard.type(mine.password)
        page.keyboard.press("Enter")
        page.wait_for_url("**/imports/new")
        content = b"Department,Fiscal Year,Budget\nScriptless,FY2027,12.50\n"
        page.get_by_label("Budget file").set_input_files(
            {"name": "plain.csv", "mimeType": "text/csv", "buffer": content}
        )
        page.get_by_role("button", name="Upload and map").press("Enter")
        page.get_by_role("button", name="Go on to the review").press("Enter")
        page.get_by_role("button", name="Import now").press("Enter")
        settled(page)  # by a refresh of its own
        page.get_by_role("link", name="See the budgets of this import").press("Enter")
        page.get_by_role("row").filter(has_text="Scriptless").wait_for()


def wide_workbook() -> bytes:
    """Two title rows, a header with a column a quarter, and a sheet of notes before it."""
    made = io.BytesIO()
    with xlsxwriter.Workbook(made, {"in_memory": True}) as book:
        book.add_worksheet("Notes").write(0, 0, "Prepared by the finance office.")
        sheet = book.add_worksheet("Budget 2026")
        sheet.write(0, 0, "Harbour City, budget 2026")
        quarters = [f"Q{n} 2026" for n in range(1, 5)]
        sheet.write_row(2, 0, ["Department", "Line item", *quarters, "Total"])
        for i, name in enumerate(("Parks", "Roads", "Library")):
            amounts = [1000 * (i + 1) + n for n in range(4)]
            sheet.write_row(3 + i, 0, [name, "Supplies", *amounts, sum(amounts)])
    return made.getvalue()


def test_a_wide_workbook_becomes_a_budget_a_quarter_by_keyboard_alone(
    browser: Browser, mine: Live
) -> None:
    with browser.new_context() as context:
        watched = Watched(context, mine)
        watched.log_in(mine)
        page = watched.open("/imports/new")
        choose(page, "harbour.xlsx", wide_workbook())
        tab_to(page, "button", "Upload and map")
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="Map harbour.xlsx").wait_for()
        watched.check()
        assert page.get_by_label("Q1 2026").input_value() == "budgeted_amount"
        assert page.get_by_label("Total", exact=True).input_value() == ""
        tab_to(page, "button", "Go on to the review")
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="How the rows will be read").wait_for()
        assert page.get_by_role("row").filter(has_text="FY2026-Q3").first.is_visible()
        watched.check()
        tab_to(page, "button", "Show what would change")
        page.keyboard.press("Enter")
        settled(page)
        assert page.get_by_text("12 to create").is_visible()
        watched.check()
        tab_to(page, "button", "Apply")
        page.keyboard.press("Enter")
        page.get_by_role("link", name="Undo this import").wait_for()
        assert page.get_by_text("12 created").is_visible()
        watched.check()
        tab_to(page, "link", "Undo this import")
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="Undo the import of harbour.xlsx").wait_for()
        watched.check()
        tab_to(page, "button", "Undo the import")
        page.keyboard.press("Enter")
        page.get_by_text("12 budgets went back").wait_for()
        watched.check()


def test_a_payroll_is_refused_until_somebody_says_that_it_is_a_budget(
    watched: Watched, mine: Live
) -> None:
    watched.log_in(mine)
    page = watched.open("/imports/new")
    choose(page, "payroll.csv", (ROOT / "tests/files/payroll_sample.csv").read_bytes())
    page.get_by_role("button", name="Upload and map").click()
    page.get_by_text("Looks like payroll").wait_for()
    watched.check()
    page.get_by_label("Gross Pay").select_option("budgeted_amount")
    page.get_by_role("button", name="Go on to the review").click()
    page.get_by_label("Fiscal period").fill("FY2025")
    page.get_by_role("button", name="Show what would change").click()
    page.get_by_text("Tick “This is a budget” below if it is one.").first.wait_for()
    assert "422" in watched.complaints.pop()
    watched.check()
    assert Client(mine.url, mine.key).get("/imports")["data"] == []


def test_rejected_rows_are_mended_and_sent_back_on_the_receipt(
    watched: Watched, mine: Live
) -> None:
    rows = "".join(f"Ops,Line {n},FY2026,{n}.00\n" for n in range(8))
    head = "Department,Sub Category,Fiscal Year,Budget\n"
    content = head + rows + "Ops,Bad,FY2026,lots\n"
    api = Client(mine.url, mine.key)
    started = api.post("/imports", data={"mode": "skip_errors"},
                       files={"file": ("b.csv", content.encode())})  # fmt: skip
    watched.log_in(mine)
    page = watched.open(f"/imports/{started['id']}")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the rejected rows").click()
    mended = Path(download.value.path()).read_text("utf-8-sig").replace("lots", "80")
    page.get_by_text("Or mend them in a file").click()
    page.get_by_label("The mended rows").set_input_files(
        {"name": "b-rejected.csv", "mimeType": "text/csv", "buffer": mended.encode()}
    )
    page.get_by_role("button", name="Send the mended rows").click()
    page.get_by_role("link", name="the import that rejected them").wait_for()
    settled(page)
    page.get_by_role("link", name="the import that rejected them").click()
    page.get_by_text("9 created").wait_for()
    page.get_by_text("0 rejected").wait_for()
    watched.check()


def test_a_cell_is_mended_on_the_page_in_all_rows_that_say_it(watched: Watched, mine: Live) -> None:
    head = "Department,Sub Category,Fiscal Year,Budget\n"
    said = ["lots" if n < 40 else str(n) for n in range(200)]
    content = head + "".join(f"Ops,Line {n},FY2026,{text}\n" for n, text in enumerate(said))
    started = Client(mine.url, mine.key).post(
        "/imports", files={"file": ("b.csv", content.encode())}
    )
    watched.log_in(mine)
    page = watched.open(f"/imports/{started['id']}")
    settled(page)
    page.get_by_role("link", name="Mend them here").click()
    page.get_by_text("and 35 more").wait_for()
    watched.check()
    page.get_by_label("Budget instead of lots").fill("80")
    page.get_by_role("button", name="Go on with the mended rows").click()
    page.get_by_role("link", name="Undo this import").or_(
        page.get_by_role("link", name="the import that rejected them")
    ).first.wait_for()
    settled(page)
    watched.open("/budgets")
    page.get_by_text("200 budgets").first.wait_for()
    watched.check()


def test_a_stale_difference_names_the_rows_and_is_worked_out_again(
    watched: Watched, mine: Live
) -> None:
    api = Client(mine.url, mine.key)
    head = "Department,Sub Category,Fiscal Year,Budget\n"
    first = api.post("/imports", files={"file": ("a.csv", f"{head}Ops,Fuel,FY2026,5\n".encode())})
    watched.log_in(mine)
    page = watched.open(f"/imports/{first['id']}")
    page.get_by_role("link", name="See the budgets of this import").wait_for()
    file = ("b.csv", f"{head}Ops,Food,FY2026,7\nOps,Fuel,FY2026,6\n".encode())
    plan = api.post("/imports", data={"apply": "false"}, files={"file": file})
    page = watched.open(f"/imports/{plan['id']}")
    page.get_by_role("button", name="Apply", exact=True).wait_for()
    (budget,) = api.get("/budgets", sub_category="Fuel")["data"]
    api.post(f"/budgets/{budget['id']}/topup", {"amount": "1", "currency": "USD", "reason": "x"})
    page.reload()
    page.get_by_text("Row 3 does not fit any more").wait_for()
    assert page.get_by_role("button", name="Apply", exact=True).count() == 0
    watched.check()
    page.get_by_role("button", name="Work it out again").click()
    page.get_by_role("button", name="Apply", exact=True).click()
    page.get_by_role("link", name="Undo this import").wait_for()
    assert watched.complaints == []
