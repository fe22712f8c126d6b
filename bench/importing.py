"""How long an import takes, HTTP upload to committed, against `psql \\copy` of the same rows.

The limit copies the very same rows (budgets, accounts, entries), in file order, into the very same
tables with their indexes, keys and triggers, as a superuser past row-level security. It validates
nothing and keeps no lineage. Both are timed in turn in one run, on one server with fsync on.

usage: python -m bench.importing [--rows 100000] [--rounds 3]
"""

from __future__ import annotations

import argparse
import csv
import io
import random
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from uuid import UUID, uuid4

import psycopg

from bench.stack import BenchStack, running

TABLES = {
    "budget": "tenant_id, id, kind, name, department, sub_category, fiscal_period, period_id,"
    " currency, status, source, import_id",
    "budget_account": "tenant_id, id, budget_id, currency, decimals, authorized, entry_seq,"
    " head_hash",
    "ledger_entry": "tenant_id, account_id, seq, kind, from_bucket, to_bucket, amount, ref_type,"
    " ref_id, import_id, actor, hash",
}


def rows_of(count: int, seed: int) -> list[tuple[str, str, str]]:
    """Clean rows with unique keys, in no order."""
    chance = random.Random(seed)
    keys = [(f"Department {n // 50:06d}", f"Category {n % 50:03d}") for n in range(count)]
    chance.shuffle(keys)
    return [(d, s, f"{chance.randrange(100, 10_000_000) / 100:.2f}") for d, s in keys]


def csv_of(rows: list[tuple[str, str, str]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["Department", "Sub Category", "Fiscal Year", "Budgeted Amount"])
    writer.writerows((d, s, "FY2025", a) for d, s, a in rows)
    return text.getvalue().encode()


def time_import(stack: BenchStack, content: bytes, again: int = 1) -> list[float]:
    """Seconds from the first byte of the upload to the committed import."""
    _, api = stack.tenant()
    took = []
    for n in range(again):
        start = time.perf_counter()
        started = api.post(
            "/api/v1/imports",
            files={"file": (f"b{n}.csv", content)},
            headers={"Idempotency-Key": uuid4().hex},
        ).json()
        while True:
            run = api.get(f"/api/v1/imports/{started['id']}").json()
            if run["state"] in {"completed", "failed", "completed_with_errors"}:
                break
            time.sleep(0.02)
        took.append(time.perf_counter() - start)
        assert run["state"] == "completed", run
    return took


def time_copy(stack: BenchStack, rows: list[tuple[str, str, str]]) -> float:
    """Seconds of three `\\copy` commands in one transaction."""
    tenant_id, _ = stack.tenant("Copy")
    period = uuid4()
    with psycopg.connect(stack.admin) as connection:
        connection.execute(
            "insert into fiscal_period (tenant_id, id, code, kind, starts_on, ends_on)"
            " values (%s, %s, 'FY2025', 'year', '2025-01-01', '2025-12-31')",
            (tenant_id, period),
        )
    folder = Path(tempfile.mkdtemp(prefix="bursar-copy-"))
    try:
        _write(folder, tenant_id, period, rows)
        script = "".join(
            f"\\copy {table} ({columns}) from '{folder / table}.csv' csv\n"
            for table, columns in TABLES.items()
        )
        psql = shutil.which("psql")
        assert psql, "psql is needed for this comparison"
        start = time.perf_counter()
        subprocess.run(
            [psql, "-qX1", "-v", "ON_ERROR_STOP=1", stack.admin],
            input=script, text=True, check=True,
        )  # fmt: skip
        return time.perf_counter() - start
    finally:
        shutil.rmtree(folder)


def _write(folder: Path, tenant: UUID, period: UUID, rows: list[tuple[str, str, str]]) -> None:
    import_ref = uuid4()
    with (
        (folder / "budget.csv").open("w", newline="") as budgets,
        (folder / "budget_account.csv").open("w", newline="") as accounts,
        (folder / "ledger_entry.csv").open("w", newline="") as entries,
    ):
        write_budget = csv.writer(budgets).writerow
        write_account = csv.writer(accounts).writerow
        write_entry = csv.writer(entries).writerow
        head = random.Random(1)
        for department, category, amount in rows:
            budget, account = uuid4(), uuid4()
            digest = "\\x" + head.randbytes(32).hex()
            name = f"{department} / {category}"
            write_budget([tenant, budget, "department", name, department, category, "FY2025",
                          period, "USD", "active", "upload", import_ref])  # fmt: skip
            write_account([tenant, account, budget, "USD", 2, amount, 1, digest])
            write_entry([tenant, account, 1, "fund", "external", "available", amount, "import",
                         import_ref, import_ref, "bench", digest])  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    imports, copies, repeats = [], [], []
    with running() as stack:
        time_import(stack, csv_of(rows_of(100, 0)))  # the first import of a process warms it up
        for n in range(options.rounds):
            rows = rows_of(options.rows, n)
            content = csv_of(rows)
            copies.append(time_copy(stack, rows))
            first, second = time_import(stack, content, 2)
            imports.append(first)
            repeats.append(second)
            print(f"round {n + 1}: copy {copies[-1]:.2f} s  import {first:.2f} s"
                  f"  ratio {first / copies[-1]:.2f}  same again {second:.2f} s")  # fmt: skip
        memory = stack.peak_megabytes("worker")
    ratios = [i / c for i, c in zip(imports, copies, strict=True)]
    print(
        f"{options.rows:,} rows: import {statistics.median(imports):.2f} s,"
        f" \\copy {statistics.median(copies):.2f} s,"
        f" ratio {statistics.median(ratios):.2f} (least {min(ratios):.2f}, most {max(ratios):.2f});"
        f" worker peak {memory:.0f} MB"
    )


if __name__ == "__main__":
    main()
