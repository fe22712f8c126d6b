"""How heavy pages are, and how long the server takes for them, with a large tenant behind them.

A database is filled with a tenant of 100,000 budgets and a million jobs. Each page is then asked
for as a logged-in administrator. Said are the bytes of a first visit (the page with all that it
loads), of a later one (the page alone; the rest is kept by the browser), and the median and 95th
percentile of the server's time, one request after another.

usage: python -m bench.pages [--budgets 100000] [--jobs 1000000] [--requests 30]
"""

from __future__ import annotations

import argparse
import os
import re
import secrets
import statistics
import time
from uuid import UUID

import psycopg
from flask.testing import FlaskClient

from bench.explain_filling import fill
from bench.stack import database_only
from bursar import logs
from bursar.tenants import create_member
from web.ready import prepared

FIRST, LATER, SLOWEST = 150 * 1024, 60 * 1024, 0.1
EMAIL, PASSWORD = "bench@pages.example", secrets.token_urlsafe(12)
JOBS = """
insert into job (tenant_id, kind, queue, state, created_by, created_at)
select %(t)s, 'sources.sync', 'connectors',
       case when n %% 1000 = 0 then 'dead' else 'succeeded' end, 'bench',
       now() - n * interval '1 second'
  from generate_series(1, %(jobs)s) n
"""
BUDGET = "01900001-0000-7000-8000-000000000007"
PAGES = (
    "/", "/live", "/burning", "/budgets", "/budgets?sort=-department", "/budgets?q=Budget+77",
    "/budgets?department=Dept+7", "/budgets?period=FY2026", "/budgets/sums",
    "/budgets/sums?period=FY2026", f"/budgets/{BUDGET}",
    f"/budgets/{BUDGET}/edit", f"/budgets/{BUDGET}/burning", f"/budgets/{BUDGET}/changes",
    f"/budgets/{BUDGET}/report", f"/budgets/{BUDGET}/reserve", f"/budgets/{BUDGET}/transfer",
    "/check", "/transfers", "/reports", "/reports/budgets", "/reports/days", "/alerts",
    "/alerts?state=open",
    "/imports", "/imports/new", "/imports/templates", "/sources", "/sources/new", "/webhooks",
    "/operations", "/jobs", "/jobs?state=dead", "/settings", "/settings/members",
    "/settings/keys", "/settings/rules", "/settings/periods", "/settings/words",
    "/settings/organisation", "/api/docs", "/api/docs/budgets", "/api/docs/reports",
)  # fmt: skip


def weights(client: FlaskClient, path: str) -> tuple[int, int]:
    """The bytes of a first and of a later visit."""
    page = client.get(path)
    assert page.status_code < 300, f"{path}: {page.status_code}"
    loaded = set(re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text))
    return len(page.data) + sum(len(client.get(one).data) for one in loaded), len(page.data)


def times(client: FlaskClient, path: str, requests: int) -> list[float]:
    """How long each request took, in seconds, sorted."""
    took = []
    for _ in range(requests):
        start = time.perf_counter()
        client.get(path).get_data()
        took.append(time.perf_counter() - start)
    return sorted(took)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--budgets", type=int, default=100_000)
    parser.add_argument("--jobs", type=int, default=1_000_000)
    parser.add_argument("--requests", type=int, default=30)
    options = parser.parse_args()
    with database_only() as stack:
        tenant_id, _ = stack.tenant("Large")
        fill(stack.admin, [(tenant_id, options.budgets)])
        with psycopg.connect(stack.admin, autocommit=True) as admin:
            admin.execute(JOBS.encode(), {"t": tenant_id, "jobs": options.jobs})
            admin.execute("vacuum analyze")
        with stack.database.transaction(tenant_id, "bench") as session:
            create_member(session, UUID(str(tenant_id)), EMAIL, PASSWORD, "admin", "Bench")
        os.environ |= {
            "BURSAR_DATABASE_URL": stack.urls.database_url, "BURSAR_SECRET_KEY": "k" * 48,
            "BURSAR_RATE_LIMIT": "1000000 per minute", "BURSAR_LOG_LEVEL": "ERROR",
        }  # fmt: skip
        logs.configure()
        app = prepared()
        client = app.test_client()
        token = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/login").text)
        assert token is not None
        form = {"csrf_token": token[1], "email": EMAIL, "password": PASSWORD}
        assert client.post("/login", data=form).status_code == 303
        report(client, [path for path in PAGES if known(app, path)], options.requests)


def known(app: object, path: str) -> bool:
    """Whether there is such a page; what is not built is not measured."""
    adapter = app.url_map.bind("localhost")  # type: ignore[attr-defined]
    return bool(adapter.test(path.partition("?")[0], "GET"))


def report(client: FlaskClient, paths: list[str], requests: int) -> None:
    """A line a page, and those that are over."""
    print(f"{'':<62}{'first KB':>9}{'later KB':>9}{'median ms':>10}{'p95 ms':>8}")
    over = []
    for path in paths:
        first, later = weights(client, path)
        took = times(client, path, requests)
        p95 = took[min(int(len(took) * 0.95), len(took) - 1)]
        mark = first > FIRST or later > LATER or p95 > SLOWEST
        print(f"{path:<62}{first / 1024:>9.1f}{later / 1024:>9.1f}"
              f"{statistics.median(took) * 1000:>10.1f}{p95 * 1000:>8.1f}"
              f"{'  over' if mark else ''}", flush=True)  # fmt: skip
        if mark:
            over.append(path)
    print(f"{len(over)} over: {', '.join(over) or 'none'}")


if __name__ == "__main__":
    main()
