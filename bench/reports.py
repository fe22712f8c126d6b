"""The monthly report of a whole tenant over a million entries, from the query to its last byte.

Entries lie in the present month and before it, on many budgets; the report is asked for through the
application and read to its end, as JSON, CSV and XLSX. Figures are medians and 95th percentiles.
Then all entries are exported, and what memory that took.

usage: python -m bench.reports [--entries 1000000] [--budgets 1000] [--rounds 20]
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import time
from uuid import UUID

import psycopg
from flask.testing import FlaskClient

from bench.stack import database_only
from bursar import logs
from web.app import create_app

BUDGETS = """
insert into fiscal_period (tenant_id, id, code, kind, starts_on, ends_on)
values (%(t)s, md5('p')::uuid, 'FY2026', 'year', '2026-01-01', '2026-12-31');
insert into budget (tenant_id, id, name, department, fiscal_period, period_id, currency)
select %(t)s, md5('b' || n)::uuid, 'B' || n, 'D' || n, 'FY2026', md5('p')::uuid, 'USD'
  from generate_series(0, %(budgets)s - 1) n;
insert into ledger_entry (tenant_id, account_id, seq, recorded_at, effective_at, kind, from_bucket,
                          to_bucket, amount, ref_type, ref_id, actor, hash)
select %(t)s, md5('b' || n %% %(budgets)s)::uuid, n / %(budgets)s + 1, m, m, k[1], k[2], k[3],
       case when k[1] = 'fund' then 1000000 else n %% 97 + 0.25 end, 'bench', 'r' || n, 'bench', ''
  from generate_series(0, %(entries)s - 1) n
  cross join lateral (select date_trunc('month', now()) - interval '5 days'
                             + n * (now() - date_trunc('month', now()) + interval '5 days')
                             / %(entries)s) t (m)
  cross join lateral (select case when n < %(budgets)s then array['fund', 'external', 'available']
                                  when n / %(budgets)s %% 2 = 1
                                  then array['reserve', 'available', 'reserved']
                                  else array['charge', 'reserved', 'spent'] end) x (k);
insert into budget_account (tenant_id, id, budget_id, currency, decimals, authorized, reserved,
                            spent, entry_seq)
select %(t)s, account_id, account_id, 'USD', 2,
       coalesce(sum(amount) filter (where kind = 'fund'), 0),
       greatest(coalesce(sum(amount) filter (where kind = 'reserve'), 0)
         - coalesce(sum(amount) filter (where kind = 'charge'), 0), 0),
       coalesce(sum(amount) filter (where kind = 'charge'), 0), max(seq)
  from ledger_entry where tenant_id = %(t)s group by account_id
"""


def fill(admin_dsn: str, tenant_id: UUID, budgets: int, entries: int) -> None:
    with psycopg.connect(admin_dsn, autocommit=True) as admin:
        for statement in BUDGETS.split(";\n"):
            admin.execute(
                statement.encode(), {"t": tenant_id, "budgets": budgets, "entries": entries}
            )
        admin.execute("vacuum analyze")


def read(
    client: FlaskClient,
    headers: dict[str, str],
    kind: str,
    path: str = "reports/tenant",
    **days: str,
) -> tuple[float, int]:
    """Seconds until the last byte of this month's report, and how many bytes there were."""
    start = time.perf_counter()
    query = (days or {"range": "month"}) | {"format": kind}
    with client.get(f"/api/v1/{path}", query_string=query, headers=headers) as response:
        assert response.status_code == 200, response.text
        size = sum(map(len, response.response))
    return time.perf_counter() - start, size


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--budgets", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    with database_only() as stack:
        tenant_id, client = stack.tenant()
        fill(stack.admin, tenant_id, options.budgets, options.entries)
        os.environ |= {
            "BURSAR_DATABASE_URL": stack.urls.database_url, "BURSAR_SECRET_KEY": "k" * 48,
            "BURSAR_RATE_LIMIT": "1000000 per minute",
            "BURSAR_TOPUP_RATE_LIMIT": "1000000 per minute",
            "BURSAR_LOG_LEVEL": "WARNING",
        }  # fmt: skip
        headers = {"Authorization": client.headers["Authorization"]}
        logs.configure()
        web = create_app().test_client()
        print(f"{options.entries:,} entries on {options.budgets:,} budgets")
        for kind in ("json", "csv", "xlsx"):
            read(web, headers, kind)
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            figures = [read(web, headers, kind) for _ in range(options.rounds)]
            took = sorted(seconds for seconds, _ in figures)
            grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
            print(
                f"{kind:>5}: median {statistics.median(took) * 1000:,.0f} ms, 95th percentile"
                f" {took[int(len(took) * 0.95)] * 1000:,.0f} ms, {figures[0][1] / 1e6:.1f} MB,"
                f" memory grown by {grown:.0f} MiB",
                flush=True,
            )
        for kind in ("json", "csv"):
            read(web, headers, kind, "ledger/export", **{"from": "2999-01-01", "to": "2999-01-01"})
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            took, size = read(web, headers, kind, "ledger/export", **{"from": "2000-01-01"})
            grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
            print(
                f"all entries as {kind}: {took:,.1f} s, {size / 1e6:,.0f} MB, memory grown by"
                f" {grown:.0f} MiB",
                flush=True,
            )


if __name__ == "__main__":
    main()
