"""How long a whole import takes, from the first byte of the upload to the commit, as a ratio.

The file is messy: amounts like `$1,234.56` and `(500.00)`, 1% of its rows bad and sent back. The
limit beside it is `psql \\copy` of the same rows, already clean (see `bench/limit.py`). Both run in
turn, on one server with fsync on; then come the same rows again, 5% of them changed, a workbook of
them, small files, and other tools on the clean file. Only ratios within one run mean something.

usage: python bench/import.py [--rows 10000,100000] [--rounds 3] [--peers] [--small] [--xlsx]
                              [--largest 5000000]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import httpx

sys.path.insert(0, str(Path(__file__).parents[1]))  # run as a file, its folder stands first

from bench import messy
from bench.limit import time_copy
from bench.peers import Peers
from bench.stack import BenchStack, running


@dataclass
class Ratios:
    """What was seen of one kind of measurement, against its limit."""

    name: str
    target: float | None = None
    seen: list[float] = field(default_factory=list)

    def told(self) -> str:
        middle = statistics.median(self.seen)
        verdict = "" if self.target is None else (
            f", target {self.target}: {'met' if middle <= self.target else 'missed'}"
        )  # fmt: skip
        return (
            f"{self.name}: {middle:.2f} (least {min(self.seen):.2f}, most {max(self.seen):.2f},"
            f" {len(self.seen)} rounds{verdict})"
        )


def time_import(api: httpx.Client, name: str, content: bytes) -> float:
    """Seconds from the first byte of the upload to the committed import."""
    start = time.perf_counter()
    started = api.post(
        "/api/v1/imports",
        files={"file": (name, content)},
        data={"mode": "skip_errors"},
        headers={"Idempotency-Key": uuid4().hex},
    ).json()
    while True:
        run = api.get(f"/api/v1/imports/{started['id']}").json()
        if run["state"] in {"completed", "failed", "completed_with_errors"}:
            break
        # Asking often would take from the import what it needs.
        time.sleep(min(0.2, max(0.01, (time.perf_counter() - start) / 50)))
    took = time.perf_counter() - start
    assert run["state"].startswith("completed"), run
    return took


def one_size(stack: BenchStack, count: int, rounds: int, *, xlsx: bool) -> None:
    """Import files of `count` rows in turn with the limit."""
    goal = 1.2 if count >= 1_000_000 else 1.5 if count >= 100_000 else None
    first = Ratios("import / \\copy", goal)
    work = Ratios("import / \\copy in processor seconds")
    again = Ratios("all rows unchanged / first", 0.7)
    some = Ratios("5% changed / first", 0.8)
    workbook = Ratios("(workbook - calamine alone) / csv", 1.5)
    for n in range(rounds):
        rows = messy.rows_of(count, n)
        content = messy.messy_csv(rows, n)
        start = stack.processor_seconds()
        limit = time_copy(stack, rows)
        middle = stack.processor_seconds()
        _, api = stack.tenant()
        took = time_import(api, f"budget-{n}.csv", content)
        work.seen.append((stack.processor_seconds() - middle) / (middle - start))
        # One more byte at the end: another file to the fingerprint, the same rows to the planner.
        same = time_import(api, f"budget-{n}-again.csv", content + b"\n")
        changed = messy.messy_csv(messy.changed(rows, 0.05, n), n)
        partly = time_import(api, f"budget-{n}-changed.csv", changed)
        first.seen.append(took / limit)
        again.seen.append(same / took)
        some.seen.append(partly / took)
        print(
            f"{count:,} rows, round {n + 1}: \\copy {limit:.2f} s, import {took:.2f} s,"
            f" again {same:.2f} s, 5% changed {partly:.2f} s", flush=True,
        )  # fmt: skip
        if xlsx:
            workbook.seen.append(time_workbook(stack, rows))
    for ratios in (first, work, again, some, *([workbook] if xlsx else [])):
        print(f"{count:,} rows: {ratios.told()}", flush=True)
    print(f"{count:,} rows: worker at most {stack.peak_megabytes('worker'):.0f} MB", flush=True)


def time_workbook(stack: BenchStack, rows: Sequence[messy.Row]) -> float:
    """A workbook's import less what calamine takes for it, against that of the same rows as CSV."""
    import python_calamine

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "budget.xlsx"
        messy.write_xlsx(path, rows)
        start = time.perf_counter()
        sheet = python_calamine.CalamineWorkbook.from_path(path).get_sheet_by_index(0)
        read = sum(1 for _ in sheet.iter_rows())
        alone = time.perf_counter() - start
        assert read == len(rows) + 1
        _, one = stack.tenant()
        _, other = stack.tenant()
        plain = time_import(one, "budget.csv", messy.clean_csv(rows))
        took = time_import(other, "budget.xlsx", path.read_bytes())
    print(f"  workbook {took:.2f} s, calamine alone {alone:.2f} s, csv {plain:.2f} s", flush=True)
    return (took - alone) / plain


def small_files(stack: BenchStack) -> None:
    """The 95th percentile of 20 imports of a small file."""
    for count, most in ((100, 0.3), (1_000, 0.5)):
        took = sorted(
            time_import(
                stack.tenant()[1], f"small-{n}.csv", messy.messy_csv(messy.rows_of(count, n), n)
            )
            for n in range(20)
        )
        verdict = "met" if took[18] <= most else "missed"
        print(f"{count:,} rows: p95 of 20 {took[18]:.2f} s, median {took[9]:.2f} s, target"
              f" {most} s: {verdict}", flush=True)  # fmt: skip


def beside_peers(stack: BenchStack, peers: Peers, count: int) -> None:
    """Other tools on the clean file of the same rows."""
    rows = messy.rows_of(count, 99)
    limit = time_copy(stack, rows)
    _, api = stack.tenant()
    ours = time_import(api, "messy.csv", messy.messy_csv(rows, 99))
    took = {"\\copy": limit, "bursar, messy file": ours} | peers.times(stack, messy.clean_csv(rows))
    table = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in took.items())
    print(f"{count:,} rows beside others: {table}", flush=True)


def largest(stack: BenchStack, count: int) -> None:
    """The memory that a worker needs for one very large file."""
    _, api = stack.tenant()
    took = time_import(api, "large.csv", messy.messy_csv(messy.rows_of(count, 5), 5))
    print(f"{count:,} rows alone: {took:.2f} s, worker at most"
          f" {stack.peak_megabytes('worker'):.0f} MB", flush=True)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", default="10000,100000")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", action="store_true", help="run pandas and dlt beside it")
    parser.add_argument("--small", action="store_true", help="time files of 100 and 1,000 rows")
    parser.add_argument("--xlsx", action="store_true", help="import the rows as a workbook too")
    parser.add_argument("--largest", type=int, default=0, help="import one file of so many rows")
    options = parser.parse_args()
    counts = [int(count) for count in options.rows.split(",") if count]
    with running() as stack, tempfile.TemporaryDirectory() as folder:
        for _ in range(3):  # the first imports of each process warm it up
            time_import(stack.tenant()[1], "warm.csv", messy.messy_csv(messy.rows_of(100, 0), 0))
        if options.small:
            small_files(stack)
        for count in counts:
            one_size(stack, count, options.rounds, xlsx=options.xlsx)
        if options.largest:
            largest(stack, options.largest)
        if options.peers:
            peers = Peers(Path(folder))
            for count in counts:
                beside_peers(stack, peers, count)


if __name__ == "__main__":
    main()
