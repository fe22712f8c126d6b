"""The limit that imports are measured against: `psql \\copy` of the same rows, already clean.

It copies budgets, accounts and entries in file order into the very same tables with their indexes,
keys and triggers, as a superuser past row-level security, in one transaction. It validates nothing,
keeps no lineage and chains no hashes.
"""

from __future__ import annotations

import csv
import random
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID, uuid4

import psycopg

from bench.messy import Row
from bench.stack import BenchStack

TABLES = {
    "budget": "tenant_id, id, kind, name, department, sub_category, fiscal_period, period_id,"
    " currency, status, source, import_id",
    "budget_account": "tenant_id, id, budget_id, currency, decimals, authorized, entry_seq,"
    " head_hash",
    "ledger_entry": "tenant_id, account_id, seq, kind, from_bucket, to_bucket, amount, ref_type,"
    " ref_id, import_id, actor, hash",
}


def time_copy(stack: BenchStack, rows: Sequence[Row]) -> float:
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
        with psycopg.connect(stack.admin) as connection:
            # Entries without hashes would be frozen one by one by the proof, meanwhile.
            connection.execute("update tenant set deleted_at = now() where id = %s", (tenant_id,))


def _write(folder: Path, tenant: UUID, period: UUID, rows: Sequence[Row]) -> None:
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
            there, back = ("external", "available")[:: -1 if amount[0] == "-" else 1]
            kind = "adjust" if amount[0] == "-" else "fund"
            write_entry([tenant, account, 1, kind, there, back, amount.lstrip("-"), "import",
                         import_ref, import_ref, "bench", digest])  # fmt: skip
