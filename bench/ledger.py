"""The ledger beside PostgreSQL itself, in transactions a second, all on one server in one run.

`reserve` is the real function as the application's role under row-level security, with the tenant
set inside the one call: cap, currency, idempotency, entry, hold and chain. `bare` is one statement
that updates a counter row and inserts an entry row as the owner, `block` the same two as
`BEGIN … COMMIT`. Durable (fsync on), prepared statements, pgbench. Rounds take turns, so that the
machine's moods fall on all alike; figures are medians.

usage: python -m bench.ledger [--seconds 5] [--rounds 3] [--budgets 10000]
"""

from __future__ import annotations

import argparse
import re
import statistics
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import psycopg

from bench.stack import BenchStack, database_only
from ops.stack.binaries import find_postgres

BARE_TABLES = """
create table bare_counter (id uuid primary key, used numeric(20, 4) not null default 0);
create table bare_entry (
  counter_id uuid not null, seq bigint generated always as identity, ref text not null,
  amount numeric(20, 4) not null, balance numeric(20, 4) not null,
  recorded_at timestamptz not null default now(), primary key (counter_id, ref));
insert into bare_counter select md5('b' || n)::uuid, 0 from generate_series(1, %(budgets)s) n;
"""
# Proven ones: in a running stack the proof would freeze any others.
BUDGETS = """
insert into fiscal_period (tenant_id, id, code, kind, starts_on, ends_on)
values (%(t)s, md5('p')::uuid, 'FY2026', 'year', '2026-01-01', '2026-12-31');
insert into budget (tenant_id, id, name, department, fiscal_period, period_id, currency)
select %(t)s, md5('b' || n)::uuid, 'B' || n, 'D' || n, 'FY2026', md5('p')::uuid, 'USD'
  from generate_series(1, %(budgets)s) n;
with made as (
  insert into budget_account (tenant_id, id, budget_id, currency, decimals, authorized, entry_seq,
                              head_hash, updated_at)
  select %(t)s, b.id, b.id, 'USD', 2, 1000000000, 1,
         ledger_entry_hash(null::bytea, %(t)s, b.id, 1, 'fund', 'external', 'available', 1000000000,
                           null, null, null, 'bench', null, now(), now()), now()
    from (select md5('b' || n)::uuid as id from generate_series(1, %(budgets)s) n) b
  returning id, head_hash
)
insert into ledger_entry (tenant_id, account_id, seq, kind, from_bucket, to_bucket, amount, actor,
                          effective_at, recorded_at, hash)
select %(t)s, m.id, 1, 'fund', 'external', 'available', 1000000000, 'bench', now(), now(),
       m.head_hash
  from made m;
"""
CHOOSE = "\\set b random(1, {spread})\n\\set r random(1, 4000000000000000000)\n"
COUNT = (
    "update bare_counter set used = used + 1 where id = md5('b' || :b)::uuid"
    " returning id, used"
)  # fmt: skip
BARE = (
    f"with counted as ({COUNT}) insert into bare_entry (counter_id, ref, amount, balance)"
    " select id, 'c' || :client_id || '-' || :r, 1, used from counted;\n"
)
BLOCK = (
    "begin;\nupdate bare_counter set used = used + 1 where id = md5('b' || :b)::uuid;\n"
    "insert into bare_entry (counter_id, ref, amount, balance)"
    " values (md5('b' || :b)::uuid, 'c' || :client_id || '-' || :r, 1, 1);\ncommit;\n"
)
RESERVE = (
    "select code from ledger_reserve('{tenant}', md5('b' || :b)::uuid, 1, 'USD', 'reservation',"
    " 'c' || :client_id || '-' || :r, null, 'bench');\n"
)
# A hundred of one budget in one call; the arrays are made by the server, at its own cost.
BATCH = (
    "select count(*) from ledger_reserve_many('{tenant}', 'each',"
    " array_fill(md5('b' || :b)::uuid, array[100]), array_fill(1::numeric, array[100]),"
    " array_fill('USD'::text, array[100]), array_fill('reservation'::text, array[100]),"
    " (select array_agg('c' || :client_id || '-' || :r || '-' || i)"
    " from generate_series(1, 100) i),"
    " array_fill(null::timestamptz, array[100]), array_fill('bench'::text, array[100]));\n"
)


@dataclass(frozen=True, slots=True)
class Figure:
    """What one pgbench run said."""

    a_second: float
    p95_milliseconds: float


def pgbench(url: str, script: str, clients: int, seconds: int) -> Figure:
    """Run a script; the 95th percentile comes from its log of single transactions."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "script.sql"
        file.write_text(script)
        done = subprocess.run(
            [
                str(find_postgres() / "pgbench"), "-n", "-M", "prepared", "-c", str(clients),
                "-j", str(min(clients, 4)), "-T", str(seconds), "-f", str(file),
                "-l", f"--log-prefix={folder}/log", url,
            ],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        failed = re.search(r"number of failed transactions: (\d+)", done.stdout)
        assert failed is None or failed[1] == "0", done.stdout
        rate = re.search(r"tps = ([\d.]+) \(without", done.stdout)
        assert rate, done.stdout
        took = sorted(
            int(line.split()[2])
            for log in Path(folder).glob("log*")
            for line in log.read_text().splitlines()
        )
    return Figure(float(rate[1]), took[int(len(took) * 0.95)] / 1000)


def fill(stack: BenchStack, tenant_id: UUID, budgets: int) -> None:
    """The same number of counters and of budgets."""
    with psycopg.connect(stack.admin, autocommit=True) as admin:
        for statement in (BARE_TABLES + BUDGETS).split(";\n"):
            if statement.strip():
                names = {"t": tenant_id, "budgets": budgets}
                admin.execute(statement.encode(), names)
        admin.execute("vacuum analyze")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--budgets", type=int, default=10_000)
    options = parser.parse_args()
    with database_only() as stack:
        tenant_id, _ = stack.tenant()
        fill(stack, tenant_id, options.budgets)
        owner, app = stack.admin_url, stack.urls.database_url
        reserve = RESERVE.format(tenant=tenant_id)
        contenders = {"bare": (owner, BARE), "block": (owner, BLOCK), "reserve": (app, reserve)}
        print(f"{'':>24} {'bare':>16} {'block':>16} {'reserve':>16}   of bare  of block")
        for spread, clients in ((options.budgets, 8), (options.budgets, 32), (1, 8), (1, 32)):
            figures: dict[str, list[Figure]] = {name: [] for name in contenders}
            for _ in range(options.rounds):
                for name, (url, script) in contenders.items():
                    chosen = CHOOSE.format(spread=spread) + script
                    figures[name].append(pgbench(url, chosen, clients, options.seconds))
            median = {
                name: Figure(
                    statistics.median(one.a_second for one in all_of_it),
                    statistics.median(one.p95_milliseconds for one in all_of_it),
                )
                for name, all_of_it in figures.items()
            }
            cells = " ".join(
                f"{one.a_second:>8,.0f} ({one.p95_milliseconds:>4.1f})" for one in median.values()
            )
            ours = median["reserve"].a_second
            where = "one hot budget" if spread == 1 else f"{spread:,} budgets"
            print(
                f"{where + f', {clients}':>24} {cells}   {ours / median['bare'].a_second:>7.2f}"
                f"  {ours / median['block'].a_second:>8.2f}",
                flush=True,
            )
        batch = BATCH.format(tenant=tenant_id)
        for clients in (1, 8, 32):
            rates: dict[str, list[float]] = {"single": [], "batch": []}
            for _ in range(options.rounds):
                for name, script, of_one in (("single", reserve, 1), ("batch", batch, 100)):
                    chosen = CHOOSE.format(spread=1) + script
                    figure = pgbench(app, chosen, clients, options.seconds)
                    rates[name].append(figure.a_second * of_one)
            single, many = (statistics.median(rates[name]) for name in ("single", "batch"))
            print(
                f"{f'100 a call, {clients}':>24} {many:>8,.0f} reservations a second, one a call"
                f" {single:,.0f}: {many / single:.1f} times",
                flush=True,
            )


if __name__ == "__main__":
    main()
