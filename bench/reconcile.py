"""Proving a large ledger: all budgets of a tenant at once, a large one, the rounds in between.

Budgets with whole chains of entries are made by bulk SQL. Then everything is reconciled and every
chain walked as the daily job does; the continuous proof catches up, runs with nothing new and with
some postings since; a seal is made; one budget with many entries is reconciled and given away as
evidence; and reservations are timed while everything is reconciled again.

usage: python -m bench.reconcile [--budgets 100000] [--entries 5000000] [--large 100000]
"""

from __future__ import annotations

import argparse
import hashlib
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
from cryptography.fernet import Fernet
from sqlalchemy import text

from bench.stack import BenchStack, database_only
from bursar.ledger import operations
from bursar.proof.evidence import pack_blocks
from bursar.proof.evidence_check import check_pack
from bursar.proof.reconcile import reconcile
from bursar.proof.reconcile_all import reconcile_all
from bursar.proof.rounds import prove
from bursar.proof.seals import make_seal

# Accounts named md5(prefix || n), each with a whole chain of `depth` entries.
CHAINS = """
insert into budget (tenant_id, id, name, department, fiscal_period, period_id, currency)
select %(t)s, md5(%(p)s || n)::uuid, 'B' || n, %(p)s || n, 'FY2026', md5(%(t)s::text)::uuid, 'USD'
  from generate_series(1, %(budgets)s) n;
with recursive chain as (
  select md5(%(p)s || b)::uuid as id, 0 as n, null::bytea as hash, null::text as kind,
         null::text as source, null::text as goal, null::numeric as amount,
         null::timestamptz as moment
    from generate_series(1, %(budgets)s) b
  union all
  select c.id, m.n, ledger_entry_hash(
           c.hash, %(t)s, c.id, m.n, m.kind, m.source, m.goal, m.amount, 'bench', 'r' || m.n, null,
           'bench', null, m.moment, m.moment),
         m.kind, m.source, m.goal, m.amount, m.moment
    from chain c
    cross join lateral (
      select c.n + 1 as n, k[1] as kind, k[2] as source, k[3] as goal, k[4]::numeric as amount,
             now() - (%(depth)s - c.n) * (interval '40 days' / %(depth)s) as moment
        from (select case
          when c.n = 0 then array['fund', 'external', 'available', '1000000']
          when c.n %% 2 = 1
          then array['reserve', 'available', 'reserved', ((c.n + 1) / 2 %% 97 + 0.25)::text]
          else array['charge', 'reserved', 'spent', ((c.n + 1) / 2 %% 97 + 0.25)::text] end) x (k)
    ) m
   where c.n < %(depth)s
)
insert into ledger_entry (tenant_id, account_id, seq, recorded_at, effective_at, kind, from_bucket,
                          to_bucket, amount, ref_type, ref_id, actor, hash)
select %(t)s, id, n, moment, moment, kind, source, goal, amount, 'bench', 'r' || n, 'bench', hash
  from chain where n > 0;
insert into budget_account (tenant_id, id, budget_id, currency, decimals, authorized, reserved,
                            spent, entry_seq, head_hash, updated_at)
select %(t)s, account_id, account_id, 'USD', 2,
       sum(amount) filter (where kind = 'fund'),
       coalesce(sum(amount) filter (where kind = 'reserve'), 0)
         - coalesce(sum(amount) filter (where kind = 'charge'), 0),
       coalesce(sum(amount) filter (where kind = 'charge'), 0), max(seq),
       (array_agg(hash order by seq desc))[1], max(recorded_at)
  from ledger_entry e
 where tenant_id = %(t)s
   and not exists (select from budget_account a where a.tenant_id = %(t)s and a.id = e.account_id)
 group by account_id
"""
PERIOD = """
insert into fiscal_period (tenant_id, id, code, kind, starts_on, ends_on)
values (%(t)s, md5(%(t)s::text)::uuid, 'FY2026', 'year', '2026-01-01', '2026-12-31')
"""


def fill(admin_dsn: str, tenant_id: UUID, budgets: int, depth: int, prefix: str) -> None:
    names = {"t": tenant_id, "budgets": budgets, "depth": depth, "p": prefix}
    with psycopg.connect(admin_dsn, autocommit=True) as admin:
        admin.execute("set session_replication_role = replica")
        for statement in CHAINS.split(";\n"):
            admin.execute(statement.encode(), names)


def fill_all(stack: BenchStack, tenant_id: UUID, budgets: int, entries: int, large: int) -> UUID:
    """Many budgets with the same number of entries, and one large one, whose id is returned."""
    with psycopg.connect(stack.admin, autocommit=True) as admin:
        admin.execute(PERIOD.encode(), {"t": tenant_id})
    fill(stack.admin, tenant_id, budgets, entries // budgets, "b")
    fill(stack.admin, tenant_id, 1, large, "large")
    with psycopg.connect(stack.admin, autocommit=True) as admin:
        admin.execute("vacuum analyze")
        row = admin.execute("select md5('large1')::uuid").fetchone()
    assert row is not None
    return UUID(str(row[0]))


def memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def rounds(stack: BenchStack, tenant_id: UUID) -> None:
    """The continuous proof, from nothing until it has caught up, then round by round."""
    start, count = time.perf_counter(), 0
    while True:
        count += 1
        with stack.database.transaction(tenant_id, "bench") as session:
            prove(session, tenant_id)
            left = session.execute(text("select unproven from ledger_watch")).scalar_one()
        if left == 0:
            break
    print(f"caught up in {count} rounds, {time.perf_counter() - start:,.1f} s", flush=True)
    quiet = []
    for _ in range(5):
        start = time.perf_counter()
        with stack.database.transaction(tenant_id, "bench") as session:
            assert prove(session, tenant_id) == []
        quiet.append(time.perf_counter() - start)
    print(f"a round with nothing new: median {statistics.median(quiet):,.2f} s", flush=True)
    with psycopg.connect(stack.admin) as admin:
        some = admin.execute("select id from budget_account limit 2000").fetchall()
    for n, (budget,) in enumerate(some):
        operations.reserve(
            stack.database, tenant_id, budget, Decimal(1), "USD", ref_id=f"new{n}", actor="bench"
        )
    start = time.perf_counter()
    with stack.database.transaction(tenant_id, "bench") as session:
        assert prove(session, tenant_id) == []
    print(f"a round after 2,000 postings: {time.perf_counter() - start:,.2f} s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--budgets", type=int, default=100_000)
    parser.add_argument("--entries", type=int, default=5_000_000)
    parser.add_argument("--large", type=int, default=100_000)
    options = parser.parse_args()
    os.environ["BURSAR_SECRETS_KEY"] = Fernet.generate_key().decode()
    with database_only() as stack:
        tenant_id, _ = stack.tenant()
        start = time.perf_counter()
        large = fill_all(stack, tenant_id, options.budgets, options.entries, options.large)
        print(
            f"{options.budgets:,} budgets with {options.entries:,} entries, one with"
            f" {options.large:,} more, made in {time.perf_counter() - start:,.0f} s", flush=True,
        )  # fmt: skip
        before = memory()
        found = reconcile_all(stack.database, tenant_id, "bench")
        print(
            f"all reconciled, every chain walked: {found['seconds']:,.1f} s for"
            f" {found['budgets']:,} budgets and {found['entries']:,} entries,"
            f" {found['discrepancies']} discrepancies; memory of the client grown by"
            f" {memory() - before:.0f} MiB", flush=True,
        )  # fmt: skip
        with stack.database.transaction(tenant_id, "bench") as session:
            start = time.perf_counter()
            row = session.execute(
                text("select count(*) as budgets, sum(discrepancy) as off, sum(entries) as entries"
                     " from ledger_reconcile(:t)"), {"t": tenant_id},
            ).one()  # fmt: skip
        print(
            f"counters alone, without the chains: {time.perf_counter() - start:,.1f} s,"
            f" {row.budgets:,} budgets, {row.entries:,} entries, off by {row.off}", flush=True,
        )  # fmt: skip
        rounds(stack, tenant_id)
        start = time.perf_counter()
        with stack.database.transaction(tenant_id, "bench") as session:
            seal = make_seal(session, tenant_id, "bench")
        print(
            f"a first seal over {seal.accounts:,} accounts: {time.perf_counter() - start:,.1f} s",
            flush=True,
        )
        took = []
        for _ in range(50):
            start = time.perf_counter()
            with stack.database.transaction(tenant_id, "bench") as session:
                assert reconcile(session, tenant_id, large).discrepancy == 0
            took.append(time.perf_counter() - start)
        took.sort()
        print(
            f"one budget with {options.large:,} entries: median"
            f" {statistics.median(took) * 1000:,.0f} ms, 95th percentile"
            f" {took[int(len(took) * 0.95)] * 1000:,.0f} ms",
            flush=True,
        )
        weigh_evidence(stack, tenant_id, large)
        beside(stack, tenant_id, options.budgets)


def beside(stack: BenchStack, tenant_id: UUID, budgets: int) -> None:
    """How long reservations take while everything is reconciled, and while nothing else is done."""

    def reserve_until(done: Callable[[], bool]) -> list[float]:
        took = []
        while not done():
            start = time.perf_counter()
            budget = UUID(hashlib.md5(f"b{len(took) % budgets + 1}".encode()).hexdigest())
            operations.reserve(
                stack.database, tenant_id, budget, Decimal(1), "USD", ref_id=uuid4().hex,
                actor="bench",
            )  # fmt: skip
            took.append(time.perf_counter() - start)
            time.sleep(0.01)
        return sorted(took)

    until = time.monotonic() + 10
    alone = reserve_until(lambda: time.monotonic() > until)
    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(reconcile_all, stack.database, tenant_id, "bench")
        busy = reserve_until(working.done)
    for words, took in (("alone", alone), ("while all is reconciled", busy)):
        print(
            f"reservations {words}: {len(took)}, median {statistics.median(took) * 1000:.1f} ms,"
            f" 95th percentile {took[int(len(took) * 0.95)] * 1000:.1f} ms",
            flush=True,
        )


def weigh_evidence(stack: BenchStack, tenant_id: UUID, budget: UUID) -> None:
    before = memory()
    with tempfile.TemporaryDirectory() as folder:
        pack = Path(folder) / "pack.zip"
        start = time.perf_counter()
        with stack.database.transaction(tenant_id, "bench") as session, pack.open("wb") as target:
            target.writelines(pack_blocks(session, tenant_id, budget, "bench"))
        made, size = time.perf_counter() - start, pack.stat().st_size / 1e6
        start = time.perf_counter()
        checked = check_pack(pack)
        assert checked.findings == []
        print(
            f"evidence of that budget: {size:.1f} MB in {made:,.1f} s, checked in"
            f" {time.perf_counter() - start:,.1f} s; memory grown by {memory() - before:.0f} MiB",
            flush=True,
        )


if __name__ == "__main__":
    main()
