"""Promise 29: a pooled connection never remembers whom it last served.

Many threads share five connections, each transaction for another tenant or for none, while
statements are cancelled and connections ended at random; first with PostgreSQL itself, then, where
`pgbouncer` is installed, through one that hands connections over after each transaction.

usage: python -m bench.trials.pool [--threads 32] [--transactions 5000] [--seed N]
"""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from urllib.parse import quote
from uuid import UUID

import psycopg
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import text

from bench.stack import BenchStack, database_only
from bench.trials.verdict import Verdict, now_seed, quietly
from bursar.budgets.editing import NewBudget, create_budget
from bursar.database import Database, is_passing
from bursar.ledger import operations

TENANTS, CONNECTIONS = 8, 5
_TABLES = ("budget", "budget_account", "ledger_entry", "fiscal_period")
_SEEN = " union ".join(f"select tenant_id from {table}" for table in _TABLES)


def tenants_with_budgets(stack: BenchStack) -> dict[UUID, UUID]:
    """A budget for each of several tenants."""
    made = {}
    for n in range(TENANTS):
        tenant_id, _ = stack.tenant(f"T{n}")
        with stack.database.transaction(tenant_id, "trial") as session:
            new = NewBudget(f"D{n}", "FY2026", Decimal(100), "USD")
            made[tenant_id] = UUID(str(create_budget(session, tenant_id, new, "trial").id))
    return made


class Users:
    """Threads that look at what they may see."""

    def __init__(self, database: Database, budgets: dict[UUID, UUID], verdict: Verdict) -> None:
        self.database, self.budgets, self.verdict = database, budgets, verdict

    def work(self, seed: int, transactions: int) -> Counter[str]:
        chance = random.Random(seed)
        counts: Counter[str] = Counter()
        names = list(self.budgets)
        for _ in range(transactions):
            tenant = chance.choice([*names, None])
            try:
                if tenant is not None and chance.random() < 0.4:
                    self._hot(chance, tenant)
                else:
                    self._plain(tenant)
                counts["seen"] += 1
            except Exception as error:
                if not is_passing(error):
                    raise
                counts["cancelled"] += 1
        return counts

    def _plain(self, tenant: UUID | None) -> None:
        with self.database.transaction(tenant) as session:
            seen = set(session.execute(text(_SEEN)).scalars())
        expected = set() if tenant is None else {tenant}
        self.verdict.require(seen == expected, f"{tenant} saw {seen}")

    def _hot(self, chance: random.Random, tenant: UUID) -> None:
        """A call that sets its tenant itself, asked for its own budget or for another's."""
        other = chance.choice(list(self.budgets))
        row = self.database.call(
            "select * from ledger_account(%s, %s)", (tenant, self.budgets[other]), attempts=1
        )
        found = row.code == "ok"
        self.verdict.require(found == (other == tenant), f"{tenant} asked for {other}: {row.code}")


def meddle(stack: BenchStack, seed: int, over: threading.Event, counts: Counter[str]) -> None:
    """Cancel statements, and now and then end a connection, of the application."""
    chance = random.Random(seed)
    with psycopg.connect(stack.admin, autocommit=True) as admin:
        while not over.wait(chance.uniform(0.001, 0.02)):
            ends = chance.random() < 0.02
            what = "pg_terminate_backend" if ends else "pg_cancel_backend"
            done = admin.execute(
                f"select {what}(pid) from pg_stat_activity where usename = 'bursar_app'"
                " and state <> 'idle' order by random() limit 1".encode()
            ).fetchone()
            counts["ended" if ends else "interrupted"] += bool(done)


def one_round(
    stack: BenchStack, url: str, prepared: bool, budgets: dict[UUID, UUID],
    options: argparse.Namespace, verdict: Verdict, name: str,
) -> None:  # fmt: skip
    # The engine may open two more than its size; the plain pool has its own.
    database = Database(url, CONNECTIONS - 2, prepared_statements=prepared)
    users, over = Users(database, budgets, verdict), threading.Event()
    meddled: Counter[str] = Counter()
    meddler = threading.Thread(target=meddle, args=(stack, options.seed, over, meddled))
    meddler.start()
    start = time.monotonic()
    with ThreadPoolExecutor(options.threads) as pool:
        counts = sum(
            pool.map(users.work, range(options.threads), [options.transactions] * options.threads),
            Counter(),
        )
    over.set()
    meddler.join()
    with database.engine.connect() as connection:
        left = connection.execute(text(_SEEN)).all()
    verdict.require(left == [], f"{name}: a connection without a tenant saw {left}")
    database.close()
    verdict.require(counts["cancelled"] > 0, f"{name}: nothing was cancelled")
    for what, count in (counts + meddled).items():
        verdict.counts[f"{name}_{what}"] = count
    print(f"{name}: {dict(counts + meddled)} in {time.monotonic() - start:.0f} s", flush=True)


@contextmanager
def bouncer(stack: BenchStack) -> Iterator[str]:
    """PgBouncer in front of the server, in transaction mode with five connections; its URL."""
    server = conninfo_to_dict(stack.urls.database_url)
    folder = Path(tempfile.mkdtemp(prefix="bursar-bouncer-"))
    folder.chmod(0o777)
    (folder / "bouncer.ini").write_text(
        "[databases]\n"
        f"bursar = host={server['host']} port={server['port']} dbname={server['dbname']}"
        f" user={server['user']} password={server['password']}\n"
        "[pgbouncer]\n"
        f"unix_socket_dir = {folder}\nlisten_port = 6543\nauth_type = any\n"
        f"pool_mode = transaction\ndefault_pool_size = {CONNECTIONS}\nmax_client_conn = 100\n"
        "ignore_startup_parameters = extra_float_digits\n"
        f"logfile = {folder}/bouncer.log\n"
    )
    # It refuses to run as root, and only the server's own account may open the server's socket.
    account = Path(str(server["host"]), f".s.PGSQL.{server['port']}").owner()
    user = ["-u", account] if Path("/proc/self").owner() == "root" else []
    process = subprocess.Popen(
        ["pgbouncer", "-q", *user, str(folder / "bouncer.ini")], stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(50):
            if (folder / ".s.PGSQL.6543").exists():
                break
            time.sleep(0.1)
        url = f"postgresql://{server['user']}@/bursar?host={quote(str(folder), safe='')}&port=6543"
        psycopg.connect(url, connect_timeout=10, prepare_threshold=None).close()
        yield url
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--threads", type=int, default=32)
    parser.add_argument("--transactions", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=now_seed())
    options = parser.parse_args()
    quietly()
    verdict = Verdict("29 the pool never leaks a tenant", options.seed)
    with database_only() as stack:
        budgets = tenants_with_budgets(stack)
        url = stack.urls.database_url
        one_round(stack, url, True, budgets, options, verdict, "direct")
        if shutil.which("pgbouncer"):
            with bouncer(stack) as through:
                one_round(stack, through, False, budgets, options, verdict, "bouncer")
        else:
            print("pgbouncer is not installed: not tried through it", flush=True)
        for tenant_id, budget in budgets.items():
            account = operations.read_account(stack.database, tenant_id, budget)
            verdict.require(account.authorized == 100, "a budget has changed")
    verdict.close()


if __name__ == "__main__":
    main()
