"""Promise 24: the reader is total. Whatever a file holds gives rows or a typed error, within 2
seconds of processor time and 512 MiB.

Hypothesis makes files of three kinds: any bytes, tables in many dialects, and workbooks with bytes
changed. Then, for --fuzz-seconds, atheris looks for inputs that reach code not reached before.

usage: python -m bench.trials.reader [--examples 20000] [--fuzz-seconds 3600] [--seed N]
"""

from __future__ import annotations

import argparse
import csv
import io
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from bench.trials import anything
from bench.trials.verdict import Verdict, now_seed

SECONDS, MEGABYTES = 2.0, 512
CELLS = st.text(alphabet="ab Total1290.,-()€$%/\n'\"äשנ部\x00\ufeffQYF", max_size=12)
HEADS = st.sampled_from([
    "Department", "Budget", "Amount", "Jan-25", "FY2025", "Q1", "Kostenstelle", "Total", "",
    "Sub Category", "Currency", "Period", "Spent", "Notes", "2025-26", "1.000",
])  # fmt: skip


@st.composite
def tables(draw: st.DrawFn) -> bytes:
    """A table in some dialect and encoding, with a header that means something or not."""
    head = draw(st.lists(HEADS, max_size=6))
    rows = draw(st.lists(st.lists(CELLS, max_size=7), max_size=12))
    text = io.StringIO()
    writer = csv.writer(text, delimiter=draw(st.sampled_from(",;\t|")))
    writer.writerows([head, *rows])
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252", "latin-1"]))
    return text.getvalue().encode(encoding, "replace")


@st.composite
def changed_workbooks(draw: st.DrawFn) -> bytes:
    """A sound workbook with bytes changed, dropped or doubled, within its sheet or anywhere."""
    content = bytearray(anything.SHEET)
    within = draw(st.booleans())
    if not within:
        content = bytearray(anything.workbook_of(anything.SHEET))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(content) - 1))
        length = draw(st.integers(0, 12))
        content[at : at + length] = draw(st.binary(max_size=12))
    return anything.workbook_of(bytes(content)) if within else bytes(content)


FILES = {
    "any bytes": st.binary(max_size=2_000),
    "tables": tables(),
    "changed workbooks": changed_workbooks(),
}


def read_one(verdict: Verdict, folder: Path, kind: str, content: bytes) -> float:
    """Read one file and note what is wrong with how it went; its seconds of processor time."""
    path = folder / ("any.xlsx" if kind == "changed workbooks" else "any.csv")
    path.write_bytes(content)
    start = time.process_time()
    try:
        rows = anything.read_whole(path, path.name)
    except Exception:
        broke = traceback.format_exc().strip().splitlines()[-4:]
        verdict.require(False, f"{kind}: {content[:60]!r}: {' '.join(broke)}")
        return 0.0
    took = time.process_time() - start
    verdict.counts["examples"] += 1
    verdict.counts["refused" if rows < 0 else "read"] += 1
    verdict.require(took <= SECONDS, f"{kind}: {took:.1f} s for {content[:60]!r}")
    return took


def try_examples(verdict: Verdict, folder: Path, count: int) -> float:
    """Read `count` generated files; the slowest one's seconds of processor time."""
    slowest = [0.0]
    options = settings(
        max_examples=-(-count // len(FILES)), deadline=None, database=None,
        phases=[Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    for kind, strategy in FILES.items():

        @seed(verdict.seed)
        @options
        @given(st.just(kind), strategy)
        def one(kind: str, content: bytes) -> None:
            slowest.append(max(slowest.pop(), read_one(verdict, folder, kind, content)))

        one()
    return slowest[0]


def fuzz(verdict: Verdict, folder: Path, seconds: int) -> str:
    """Let atheris look for `seconds`; what it executed, or why it could not run."""
    library = folder / "library"
    install = [sys.executable, "-m", "pip", "install", "-q", "--target", str(library), "atheris"]
    if subprocess.run(install, capture_output=True, check=False).returncode != 0:
        return "skipped, atheris could not be installed"
    corpus = folder / "corpus"
    corpus.mkdir()
    (corpus / "csv").write_bytes(b"\0Department;Budget 2025\nIT;1.200,50\nTotal;1.200,50\n")
    (corpus / "wide").write_bytes(b'\0Dept,Jan-25,Feb-25\nIT,"$1,200.50",(3)\n')
    (corpus / "sheet").write_bytes(b"\3" + anything.SHEET)
    env = {**os.environ, "PYTHONPATH": f"{Path.cwd()}:{library}"}
    end, executed = time.monotonic() + seconds, 0
    while (left := int(end - time.monotonic())) > 0:
        command = [sys.executable, "-m", "bench.trials.reader_fuzz", str(folder), str(left),
                   str(verdict.seed)]  # fmt: skip
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        counts = re.findall(r"number_of_executed_units:\s*(\d+)|#(\d+)", done.stderr)
        executed += max((int(a or b) for a, b in counts), default=0)
        if not counts:
            verdict.require(False, f"the fuzzer did not run: {done.stderr[-400:]}")
            break
    for found in sorted((folder / "findings").glob("*")):
        if found.suffix != ".txt":
            told = found.with_name(f"{found.name}.txt")
            said = told.read_text() if told.exists() else found.name
            verdict.require(False, f"fuzz {found.name}: {said} {found.read_bytes()[:80]!r}")
    slowest = (folder / "slowest").read_text() if (folder / "slowest").exists() else "?"
    return f"{executed} in {seconds} s, slowest {slowest} s"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--examples", type=int, default=20_000)
    parser.add_argument("--fuzz-seconds", type=int, default=3600)
    parser.add_argument("--seed", type=int, default=now_seed())
    options = parser.parse_args()
    verdict = Verdict("24 the reader is total", options.seed)
    folder = Path(tempfile.mkdtemp(prefix="bursar-reader-"))
    try:
        slowest = try_examples(verdict, folder, options.examples) if options.examples else 0.0
        used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        verdict.require(used <= MEGABYTES, f"{used:.0f} MiB")
        fuzzed = fuzz(verdict, folder, options.fuzz_seconds) if options.fuzz_seconds else "none"
        verdict.close(
            slowest_seconds=f"{slowest:.2f}", peak_mib=f"{used:.0f}", fuzzed_inputs=fuzzed
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
