"""What the listings and checks of the API read in a large database, statement by statement.

A database is filled with a million budgets and ten million entries. Then each route is asked as a
program asks it, while PostgreSQL itself notes the plan of every statement that ran for it as the
application's role, those inside of functions too. Said are the rows answered, the rows read (all
that a scan gave or threw away), the pages of the database that the scans touched, and the time of
the request with its plans written down; what reads more than 20 rows for each that is answered, and
200, is marked, with the statement that reads the most.

usage: python -m bench.explain [--budgets 1000000] [--large 100000] [--spread 90000]
"""

from __future__ import annotations

import argparse
import json
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import psycopg
from flask.testing import FlaskClient

from bench.explain_filling import DEEP, fill
from bench.stack import BenchStack, database_only
from bursar import logs
from bursar.database import database
from bursar.jobs.sweep import tenants_with_due
from bursar.paging import write_cursor
from bursar.period_end import resets
from bursar.tenants import create_tenant
from web.app import create_app

FACTOR, BASE = 20, 200
NOTED = re.compile(r"LOG:  duration: ([\d.]+) ms  plan:\n((?:\t.*\n)+)")
# The names of the API, and where the view of budgets has them.
SORTS = {
    "created_at": "created_at", "department": "department_key", "fiscal_period": "fiscal_period",
}  # fmt: skip
# No more than 10,000 budgets are sorted by one of these; so many are read, whatever there is.
AMOUNTS = ("budgeted_amount", "available")
NOTE_PLANS = (
    "load 'auto_explain'",
    "alter system set session_preload_libraries = 'auto_explain'",
    "alter system set auto_explain.log_min_duration = 0",
    "alter system set auto_explain.log_analyze = on",
    "alter system set auto_explain.log_buffers = on",
    "alter system set auto_explain.log_nested_statements = on",
    "alter system set auto_explain.log_format = 'json'",
    "select pg_reload_conf()",
)


@dataclass(frozen=True, slots=True)
class Read:
    """What one statement read."""

    statement: str
    rows: int
    pages: int

    @classmethod
    def of(cls, plan: dict[str, Any]) -> Read:
        rows = pages = 0.0
        for node in nodes(plan["Plan"]):
            if "Relation Name" in node and node["Node Type"] != "ModifyTable":
                removed = ("Rows Removed by Filter", "Rows Removed by Index Recheck")
                each = node["Actual Rows"] + sum(node.get(name, 0) for name in removed)
                rows += each * node["Actual Loops"]
                pages += node["Shared Hit Blocks"] + node["Shared Read Blocks"]
        return cls(" ".join(plan["Query Text"].split()), round(rows), round(pages))


def nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from nodes(child)


class Notes:
    """The plans that the server has written into its log since it was last looked at."""

    def __init__(self, stack: BenchStack) -> None:
        self._log = stack.home.log("postgres")
        self._at = 0

    def new(self) -> list[Read]:
        with self._log.open("rb") as log:
            log.seek(self._at)
            text = log.read().decode(errors="replace")
            self._at = log.tell()
        texts = (found[2].replace("\n\t", "\n").strip() for found in NOTED.finditer(text))
        return [Read.of(json.loads(one)) for one in texts]


class Asking:
    """The API of the large tenant, and what its requests read."""

    def __init__(self, client: FlaskClient, headers: dict[str, str], notes: Notes) -> None:
        self._client, self._headers, self._notes = client, headers, notes
        self.marked: list[str] = []

    def get(self, name: str, path: str, **query: str) -> Any:
        return self._ask(name, "GET", path, query_string=query)

    def post(self, name: str, path: str, body: dict[str, Any]) -> Any:
        return self._ask(name, "POST", path, json=body)

    def _ask(self, name: str, method: str, path: str, **more: Any) -> Any:
        for _ in range(2):  # the second with what the first has brought into memory
            headers = self._headers | ({"Idempotency-Key": uuid4().hex} if method == "POST" else {})
            self._notes.new()
            start = time.perf_counter()
            response = self._client.open(f"/api/v1{path}", method=method, headers=headers, **more)
            answer = json.loads(response.get_data())
            took = time.perf_counter() - start
        assert response.status_code < 300, f"{name}: {response.status_code} {answer}"
        listed = answer.get("data") if isinstance(answer, dict) else answer
        self.say(name, len(listed) if isinstance(listed, list) else 1, took)
        return answer

    def say(self, name: str, answered: int, took: float) -> None:
        reads = self._notes.new()
        rows, pages = sum(one.rows for one in reads), sum(one.pages for one in reads)
        much = rows > FACTOR * answered + BASE
        print(f"{name:<46}{answered:>8,}{rows:>12,}{pages:>11,}{took * 1000:>9,.0f}"
              f"{'  much' if much else ''}", flush=True)  # fmt: skip
        if much:
            self.marked.append(name)
            worst = max(reads, key=lambda one: one.rows)
            shortened = re.sub(r"^SELECT .*? FROM ", "select … from ", worst.statement)
            print(f"    {worst.rows:,} by {shortened[:400]}", flush=True)


def budgets_of(stack: BenchStack, tenant_id: UUID, count: int, asking: Asking) -> None:
    """The list by every order, its first page and one from the middle, and by every filter."""
    for name, column in SORTS.items():
        for sort in (f"-{name}", name):
            with psycopg.connect(stack.admin) as admin:
                between = ", created_at" if name == "fiscal_period" else ""
                row = admin.execute(
                    f"select {column}{between}, id from budget_balance where tenant_id = %s"
                    f" order by 1, 2, id offset %s limit 1".encode(), (tenant_id, count // 2)
                ).fetchone()  # fmt: skip
            assert row is not None
            asking.get(f"budgets by {sort}", "/budgets", sort=sort)
            middle = write_cursor(sort, row)
            asking.get(f"budgets by {sort}, from the middle", "/budgets", sort=sort, cursor=middle)
    for name in AMOUNTS:
        asking.get(f"200 budgets by {name}", "/budgets", sort=name, department="Dept 7")
        asking.get(f"2,000 budgets by -{name}", "/budgets", sort=f"-{name}", kind="program")
    with psycopg.connect(stack.admin) as admin:
        row = admin.execute(
            "select import_id from budget where tenant_id = %s and import_id is not null limit 1",
            (tenant_id,),
        ).fetchone()
    assert row is not None
    for filters in (
        {"department": "dept 7"}, {"sub_category": "Cat 7"}, {"fiscal_period": "FY2026"},
        {"source": "manual"}, {"import_id": str(row[0])}, {"status": "frozen"},
        {"kind": "program"}, {"kind": "event"}, {"q": "Budget 77"}, {"q": "no such budget"},
        {"department": "Dept 7", "fiscal_period": "FY2026", "sort": "department"},
    ):  # fmt: skip
        named = ", ".join(f"{key}={value[:16]}" for key, value in filters.items())
        asking.get(f"budgets, {named}", "/budgets", **filters)


def one_budget(asking: Asking) -> None:
    """The first has many entries and periods, the seventh is of a large import."""
    budget, few, imported = (f"01900001-0000-7000-8000-{n:012x}" for n in (1, 2_000, 7))
    path = f"/budgets/{budget}"
    asking.get("a budget", path)
    asking.get("ledger of a budget", f"{path}/ledger")
    middle = write_cursor("-seq", (DEEP // 2, budget))
    asking.get("ledger of a budget, from the middle", f"{path}/ledger", cursor=middle)
    asking.get("utilization", f"{path}/utilization")
    asking.get("control", f"{path}/control")
    asking.get("periods of a budget", f"{path}/periods")
    asking.get("recurrence of a budget", f"/budgets/{few}/recurrence")
    asking.get("report of a budget with few entries", f"/budgets/{few}/report", range="month")
    asking.get("report of a day of many entries", f"{path}/report", range="today")
    asking.get("entries of a budget", "/ledger", budget_id=few)
    asking.get("lineage", f"/budgets/{imported}/lineage")


def other_lists(asking: Asking, import_id: str) -> None:
    asking.get("a reservation by its reference", "/reservations/r7777-4")
    asking.get("entries by reference", "/ledger", ref_id="r7777-4")
    asking.post("check", "/budgets/check", {
        "department": "DEPT 77", "sub_category": "Cat 3", "fiscal_period": "FY2026", "amount": "1",
    })  # fmt: skip
    for name in ("alerts", "jobs", "imports"):
        first = asking.get(name, f"/{name}")
        asking.get(f"{name}, second page", f"/{name}", cursor=first["next_cursor"])
    asking.get("open alerts", "/alerts", state="open")
    asking.get("resolved alerts", "/alerts", state="resolved")
    asking.get("alerts of a kind", "/alerts", type="hard_cap_reached")
    asking.get("alerts of no kind there is", "/alerts", type="forecast_overrun")
    asking.get("failed jobs", "/jobs", state="failed")
    asking.get("running jobs", "/jobs", state="running")
    asking.get("jobs of a kind", "/jobs", kind="ledger.reconcile")
    asking.get("jobs of a kind there is none of", "/jobs", kind="periods.close")
    asking.get("failed imports", "/imports", state="failed")
    asking.get("plan of an import", f"/imports/{import_id}/plan")
    asking.get("errors of an import", f"/imports/{import_id}/errors")
    asking.get("approval rules", "/approval-rules")
    asking.get("fiscal periods", "/periods")


def what_is_due(tenant_id: UUID, asking: Asking) -> None:
    """What the tick and the job that starts budgets anew look for."""
    start = time.perf_counter()
    for what in ("resets", "holds", "alerts", "outbox"):
        found = tenants_with_due(database(), what)
        asking.say(f"tenants with due {what}", len(found), time.perf_counter() - start)
    with database().transaction(tenant_id) as session:
        rows = session.execute(resets._DUE, {"today": resets.today(session)}).all()
    asking.say("budgets to start anew", len(rows), time.perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--budgets", type=int, default=1_000_000, help="of all tenants")
    parser.add_argument("--large", type=int, default=100_000, help="of the tenant that asks")
    parser.add_argument("--spread", type=int, default=90_000, help="of each of the others")
    options = parser.parse_args()
    with database_only() as stack:
        tenant_id, client = stack.tenant("Large")
        rest = options.budgets - options.large
        others = [
            (create_tenant(stack.database, f"Other {n}"), min(options.spread, rest - at))
            for n, at in enumerate(range(0, rest, options.spread))
        ]
        budgets, entries = fill(stack.admin, [(tenant_id, options.large), *others])
        print(f"{budgets:,} budgets of {1 + len(others)} tenants, {entries:,} entries")
        os.environ |= {
            "BURSAR_DATABASE_URL": stack.urls.database_url, "BURSAR_SECRET_KEY": "k" * 48,
            "BURSAR_RATE_LIMIT": "1000000 per minute", "BURSAR_LOG_LEVEL": "ERROR",
        }  # fmt: skip
        with psycopg.connect(stack.admin, autocommit=True) as admin:
            for statement in NOTE_PLANS:
                admin.execute(statement.encode())
        logs.configure()
        headers = {"Authorization": str(client.headers["Authorization"])}
        asking = Asking(create_app().test_client(), headers, Notes(stack))
        print(f"{'':<46}{'answered':>8}{'rows read':>12}{'pages':>11}{'ms':>9}")
        budgets_of(stack, tenant_id, options.large, asking)
        one_budget(asking)
        with psycopg.connect(stack.admin) as admin:
            run = admin.execute("select md5(%s::text || 'i7')::uuid", (str(tenant_id),)).fetchone()
        assert run is not None
        other_lists(asking, str(run[0]))
        what_is_due(tenant_id, asking)
    print(f"{len(asking.marked)} read much: {', '.join(asking.marked) or 'none'}")


if __name__ == "__main__":
    main()
