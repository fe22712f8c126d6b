"""Pictures of the pages for the README and the documents, from the sample file and some spending.

usage: python -m bench.screenshots [--to docs/images] [--widths 1280] [--themes light] [PAGE ...]

PAGE is a name below; without any, those that the documents show are drawn. Chromium is taken from
BURSAR_TEST_BROWSER, else from /usr/bin/chromium.
"""

from __future__ import annotations

import argparse
import os
import random
import secrets
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Page, sync_playwright

from bench.stack import running
from bursar.budgets.views import save_view
from bursar.first_steps import dismiss
from bursar.tenants import create_member

SAMPLE = Path(__file__).parents[1] / "ops/sample/harbour_city_budget.csv"
EMAIL, PASSWORD = "ada@harbour-city.example", secrets.token_urlsafe(12)
NEWCOMER = "nora@newcomers.example"
SHOWN = ("dashboard", "budgets", "budget")
PAGES = {
    "dashboard": "/", "budgets": "/budgets", "budget": "/budgets/{budget}",
    "edit": "/budgets/{budget}/edit", "reserve": "/budgets/{budget}/reserve",
    "charge": "/budgets/{budget}/charge", "topup": "/budgets/{budget}/topup",
    "transfer": "/budgets/{budget}/transfer", "transfers": "/transfers", "check": "/check",
    "reports": "/reports", "report-budgets": "/reports/budgets", "report-days": "/reports/days",
    "budget-report": "/budgets/{budget}/report", "changes": "/budgets/{budget}/changes",
    "imports": "/imports", "import": "/imports/{import_id}", "new-import": "/imports/new",
    "mapping": "/imports/files/{file_id}", "undo": "/imports/{import_id}/undo",
    "mend": "/imports/{import_id}/mend", "review": "/imports/{planned}",
    "quick-import": "/test-import.html", "filtered": "/budgets?q=o&sort=-available",
    "templates": "/imports/templates", "template": "/imports/templates/{template}",
    "sources": "/sources", "source": "/sources/{source}", "edit-source": "/sources/{source}/edit",
    "new-source": "/sources/new", "new-sftp": "/sources/new/sftp",
    "webhooks": "/webhooks", "webhook": "/webhooks/{webhook}", "alerts": "/alerts",
    "operations": "/operations", "jobs": "/jobs", "job": "/jobs/{job}", "settings": "/settings",
    "members": "/settings/members", "member": "/settings/members/{member}",
    "keys": "/settings/keys", "rules": "/settings/rules", "rule": "/settings/rules/{rule}",
    "periods": "/settings/periods", "close": "/settings/periods/{period}/close",
    "words": "/settings/words", "organisation": "/settings/organisation", "api": "/api/docs",
    "api-section": "/api/docs/budgets", "components": "/components",
    "limits": "/budgets/{budget}/control", "account": "/account",
    "error": "/budgets/nowhere", "login": "/login",
    # Of an organisation that is new; the second has loaded the sample data there.
    "first-steps": "/", "sample-data": "/",
}  # fmt: skip
NEW = ("first-steps", "sample-data")


def fill(api: httpx.Client) -> dict[str, str]:
    """Import the sample and spend some of it over the last two months, always the same."""
    with SAMPLE.open("rb") as file:
        started = sent(api, "/imports", data={"mode": "skip_errors"},
                       files={"file": (SAMPLE.name, file)})  # fmt: skip
    await_end(api, started["id"])
    chance, today = random.Random(3), datetime.now(UTC).date()
    budgets = api.get("/api/v1/budgets", params={"limit": 200, "sort": "department"}).json()["data"]
    number, worst = 0, ""
    for place, budget in enumerate(budgets):
        amount = float(budget["budgeted_amount"])
        if amount <= 0:
            continue
        share = 0.085 if place % 7 == 3 else 0.03
        worst = budget["id"] if place % 7 == 3 else worst
        for days in range(60, 0, -4):
            number += 1
            spend(api, budget, "charges", {
                "amount": f"{amount * chance.uniform(0.004, share):.2f}",
                "ref_id": f"INV-{1000 + number}",
                "effective_on": str(today - timedelta(days=days)),
            })  # fmt: skip
        for _ in range(3):
            number += 1
            spend(api, budget, "reservations", {
                "amount": f"{amount * chance.uniform(0.01, 0.05):.2f}",
                "ref_id": f"PO-{1000 + number}",
            })  # fmt: skip
    others = [one["id"] for one in budgets if one["id"] != worst]
    return {"budget": worst, "import_id": started["id"]} | also(api, worst, others[0])


def also(api: httpx.Client, budget: str, other: str) -> dict[str, str]:
    """One of everything else that has a page."""
    strange = {"file": ("pots.csv", b"Alpha,Beta\nRoads,new\nParks,old\n")}
    waiting = sent(api, "/imports", files=strange)
    rule = {"name": "Large moves", "covers": "transfers", "auto_approve_up_to": "100"}
    rule_id = sent(api, "/approval-rules", json=rule)["id"]
    move = {"from": other, "to": budget, "amount": "2500",
            "reason": "The roof cannot wait"}  # fmt: skip
    sent(api, "/transfers", json=move)
    hook = {"url": "https://example.invalid/hook", "events": ["alert.raised"]}
    place = {"host": "files.example.invalid", "path": "/out", "username": "bursar"}
    source = {"name": "Finance drop", "type": "sftp", "config": place, "schedule": "0 2 * * *",
              "secret": {"password": secrets.token_hex(8)}}  # fmt: skip
    template = {"name": "Pots", "headers": ["Topf", "Plan"],
                "mapping": {"Topf": "department", "Plan": "budgeted_amount"}}  # fmt: skip
    rows = (
        b"Department,Line Item,Fiscal Year,Currency,Budget\n"
        b"Parks,Trees,FY2026,USD,125000\nHarbour,Cranes,FY2026,USD,90000.50\n"
        b"Harbour,Cranes,FY2026,USD,abc\n"
    )
    more = {"file": ("midyear.csv", rows)}
    planned = sent(api, "/imports", files=more, data={"apply": "false", "mode": "skip_errors"})
    await_end(api, planned["id"])
    made = {
        "planned": planned["id"],
        "file_id": await_end(api, waiting["id"])["file_id"],
        "rule": rule_id,
        "webhook": sent(api, "/webhooks", json=hook)["id"],
        "source": sent(api, "/sources", json=source)["id"],
        "template": sent(api, "/mapping-templates", json=template)["id"],
    }
    for name in ("job", "member", "period"):
        made[name] = api.get(f"/api/v1/{name}s").json()["data"][0]["id"]
    return made


def await_end(api: httpx.Client, import_id: str) -> Any:
    """The import, once it is done or waits for somebody."""
    while True:
        run = api.get(f"/api/v1/imports/{import_id}").json()
        if run["state"].startswith(("completed", "awaiting", "failed", "planned")):
            return run
        time.sleep(0.3)


def spend(api: httpx.Client, budget: dict[str, Any], what: str, body: dict[str, str]) -> None:
    """Post to a budget; what does not fit any more is left out."""
    answer = api.post(
        f"/api/v1/budgets/{budget['id']}/{what}",
        json={**body, "currency": budget["currency"]},
        headers={"Idempotency-Key": body["ref_id"]},
    )
    assert answer.status_code in (201, 409), answer.text


def sent(api: httpx.Client, path: str, **more: Any) -> Any:
    answer = api.post(f"/api/v1{path}", headers={"Idempotency-Key": secrets.token_hex(8)}, **more)
    assert answer.is_success, answer.text
    return answer.json()


def draw(page: Page, options: argparse.Namespace, url: str, names: dict[str, str]) -> None:
    """One picture for each page, width and theme."""
    many = len(options.widths) * len(options.themes) > 1
    for name in options.pages or SHOWN:
        if name == "login":
            page.context.clear_cookies()  # so that it is asked for
        if name in NEW:
            log_in(page, url, NEWCOMER)
        if name == "sample-data":
            page.get_by_role("button", name="Try it with sample data").click()
            page.get_by_role("button", name="Remove it").wait_for()
        page.set_viewport_size({"width": options.widths[0], "height": 900})
        page.goto(url + PAGES[name].format(**names))
        page.wait_for_timeout(1_000)  # what is asked for afterwards is there by then
        for width in options.widths:
            page.set_viewport_size({"width": width, "height": 900})
            for theme in options.themes:
                page.emulate_media(color_scheme=theme)
                file = f"{name}-{width}-{theme}.png" if many else f"{name}.png"
                page.screenshot(path=options.to / file, full_page=many)


def log_in(page: Page, url: str, email: str) -> None:
    page.context.clear_cookies()
    page.goto(url + "/login")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Log in").click()
    page.wait_for_url(url + "/")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("pages", nargs="*", choices=[*PAGES, []], metavar="PAGE")
    parser.add_argument("--to", type=Path, default=Path("docs/images"))
    parser.add_argument("--widths", type=int, nargs="+", default=[1280])
    parser.add_argument("--themes", nargs="+", default=["light"], choices=["light", "dark"])
    options = parser.parse_args()
    options.to.mkdir(parents=True, exist_ok=True)
    program = os.environ.get("BURSAR_TEST_BROWSER") or "/usr/bin/chromium"
    root = ["--no-sandbox"] if os.geteuid() == 0 else []
    with running() as stack, sync_playwright() as playwright:
        tenant_id, api = stack.tenant("Harbour City Council")
        with stack.database.transaction(tenant_id, "screenshots") as session:
            ada = create_member(session, tenant_id, EMAIL, PASSWORD, "admin", "Ada Analyst")
            wanted = {"q": "o", "sort": "-available"}
            save_view(session, tenant_id, ada, "Most to spend", wanted, is_shared=True)
            dismiss(session)
        names = fill(api)
        new_id, _ = stack.tenant("Newcomers")
        with stack.database.transaction(new_id, "screenshots") as session:
            create_member(session, new_id, NEWCOMER, PASSWORD, "admin", "Nora New")
        time.sleep(15)  # alerts are raised, and the ledger is proven, by the schedules
        browser = playwright.chromium.launch(executable_path=program, args=root)
        page = browser.new_page()
        log_in(page, stack.url, EMAIL)
        draw(page, options, stack.url, names)
        browser.close()


if __name__ == "__main__":
    main()
