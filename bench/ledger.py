"""The ledger beside PostgreSQL itself, in transactions a second, all on one server in one run.

`reserve` is the real function as the application's role under row-level security, with the tenant
set inside the one call: cap, currency, idempotency, entry, hold and chain. `bare` is one statement
that updates a counter row and inserts an entry row as the owner, `block` the same two as
`BEGIN … COMMIT`. Durable (fsync on), prepared statements, pgbench. Rounds take turns, so that the
machine's moods fall on all alike; figures are medians, and ratios the medians of those that the
rounds gave. With the published SQL of pgledger (pgledger.sql, and before it the uuid_to_ulid that
it needs; they are no part of this project) its transfer between two accounts of one's own takes
part, as the owner, in a database of its own on the same server.

usage: python -m bench.ledger [--seconds 4] [--rounds 7] [--budgets 10000]
                              [--pgledger uuid-to-ulid.sql pgledger.sql]
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
# Each transfer has a pair of accounts, with ids as long as pgledger makes them, as a reservation
# has its budget's available and reserved money.
PAIR = "'pgla_' || upper(left(md5('{side}' || {number}), 26))"
PGLEDGER_ACCOUNTS = """
insert into pgledger_accounts (id, name, currency, balance, allow_negative_balance,
                               allow_positive_balance, created_at, updated_at)
select {giving}, 'from ' || n, 'USD', 1000000000, false, true, now(), now()
  from generate_series(1, %(budgets)s) n
union all
select {taking}, 'to ' || n, 'USD', 0, true, true, now(), now()
  from generate_series(1, %(budgets)s) n;
""".format(giving=PAIR.format(side="b", number="n"), taking=PAIR.format(side="c", number="n"))
PGLEDGER = "select id from pgledger_create_transfer({giving}, {taking}, 1);\n".format(
    giving=PAIR.format(side="b", number=":b"), taking=PAIR.format(side="c", number=":b")
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


OF_DATABASE = re.compile(r"/bursar(\?|$)")


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
    """The same number of counters, which the owner makes, and of budgets."""
    names = {"t": tenant_id, "budgets": budgets}
    for url, statements in (
        (stack.urls.owner_database_url, BARE_TABLES), (stack.admin, BUDGETS)
    ):  # fmt: skip
        with psycopg.connect(url, autocommit=True) as connection:
            for statement in statements.split(";\n"):
                if statement.strip():
                    connection.execute(statement.encode(), names)
    with psycopg.connect(stack.admin, autocommit=True) as admin:
        admin.execute("vacuum analyze")


def pgledger(stack: BenchStack, files: list[Path], budgets: int) -> str:
    """A database with pgledger and pairs of accounts, on the same server and of the same owner."""
    url = OF_DATABASE.sub(r"/pgledger\1", stack.urls.owner_database_url)
    with psycopg.connect(stack.admin, autocommit=True) as admin:
        admin.execute("create database pgledger owner bursar_owner")
    with psycopg.connect(url, autocommit=True) as owner:
        for file in files:
            owner.execute(file.read_bytes())
        owner.execute(PGLEDGER_ACCOUNTS.encode(), {"budgets": budgets})
        owner.execute("vacuum analyze")
    return url


Contenders = dict[str, tuple[str, str]]  # by name, the database and the script


def in_turn(
    contenders: Contenders, spread: int, clients: int, options: argparse.Namespace
) -> dict[str, list[Figure]]:
    """The rounds of each; who begins changes from round to round."""
    figures: dict[str, list[Figure]] = {name: [] for name in contenders}
    names = list(contenders)
    for n in range(options.rounds):
        for name in names[n % len(names) :] + names[: n % len(names)]:
            url, script = contenders[name]
            chosen = CHOOSE.format(spread=spread) + script
            figures[name].append(pgbench(url, chosen, clients, options.seconds))
    return figures


def ratio(ours: list[Figure], theirs: list[Figure], times: int = 1) -> float:
    return statistics.median(
        times * a.a_second / b.a_second for a, b in zip(ours, theirs, strict=True)
    )


def singles(contenders: Contenders, options: argparse.Namespace) -> None:
    """Reservations one a call, over many budgets and of one."""
    others = [name for name in contenders if name != "reserve"]
    print(" " * 24 + "".join(f"{name:>17}" for name in contenders)
          + "".join(f"{'of ' + name:>13}" for name in others))  # fmt: skip
    for spread, clients in ((options.budgets, 8), (options.budgets, 32), (1, 8), (1, 32)):
        figures = in_turn(contenders, spread, clients, options)
        where = "one hot budget" if spread == 1 else f"{spread:,} budgets"
        line = f"{where + f', {clients}':>24}"
        for all_of_it in figures.values():
            a_second = statistics.median(one.a_second for one in all_of_it)
            p95 = statistics.median(one.p95_milliseconds for one in all_of_it)
            line += f"{a_second:>10,.0f} ({p95:>4.1f})"
        for name in others:
            line += f"{ratio(figures['reserve'], figures[name]):>13.2f}"
        print(line, flush=True)


def batches(app: str, tenant_id: UUID, options: argparse.Namespace) -> None:
    """A hundred reservations of one budget a call, beside one a call."""
    contenders = {
        "single": (app, RESERVE.format(tenant=tenant_id)),
        "batch": (app, BATCH.format(tenant=tenant_id)),
    }
    for clients in (1, 8, 32):
        figures = in_turn(contenders, 1, clients, options)
        single, batch = (
            statistics.median(one.a_second for one in figures[name]) for name in contenders
        )
        print(
            f"{f'100 a call, {clients}':>24} {100 * batch:>8,.0f} reservations a second, one a call"
            f" {single:,.0f}: {ratio(figures['batch'], figures['single'], 100):.1f} times",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--budgets", type=int, default=10_000)
    parser.add_argument("--pgledger", type=Path, nargs="+", default=[], metavar="FILE")
    options = parser.parse_args()
    with database_only() as stack:
        tenant_id, _ = stack.tenant()
        fill(stack, tenant_id, options.budgets)
        owner, app = stack.urls.owner_database_url, stack.urls.database_url
        contenders = {
            "bare": (owner, BARE),
            "block": (owner, BLOCK),
            "reserve": (app, RESERVE.format(tenant=tenant_id)),
        }
        if options.pgledger:
            url = pgledger(stack, options.pgledger, options.budgets)
            contenders["pgledger"] = (url, PGLEDGER)
        singles(contenders, options)
        batches(app, tenant_id, options)


if __name__ == "__main__":
    main()
