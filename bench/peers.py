"""What others take for the same clean file: pandas `to_sql` and a dlt load.

They write one table without other indexes than their own, validate nothing and keep no history.
They live in an environment of their own under a temporary folder, made once a run.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from bench.stack import BenchStack

PACKAGES = ("pandas", "sqlalchemy", "psycopg[binary]", "psycopg2-binary", "dlt[postgres]")

_PANDAS = """
import sys, time, pandas, psycopg, sqlalchemy
path, url = sys.argv[1:3]
engine = sqlalchemy.create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(url))
start = time.perf_counter()
frame = pandas.read_csv(path)
frame.to_sql("peer_pandas", engine, if_exists="replace", index=False, chunksize=10_000)
print(time.perf_counter() - start)
"""
_PANDAS_MULTI = _PANDAS.replace("chunksize=10_000", "chunksize=1_000, method='multi'")
_DLT = """
import csv, os, sys, time
path, url = sys.argv[1:3]
os.environ.update(RUNTIME__DLTHUB_TELEMETRY="false", RUNTIME__LOG_LEVEL="ERROR")
import dlt
def rows():
    with open(path, newline="") as file:
        yield from csv.DictReader(file)
start = time.perf_counter()
pipeline = dlt.pipeline("peer", destination=dlt.destinations.postgres(url), dataset_name="peer",
                        pipelines_dir=sys.argv[3])
pipeline.run(rows(), table_name="peer_dlt", write_disposition="replace")
print(time.perf_counter() - start)
"""
PROGRAMS = {"pandas to_sql": _PANDAS, "pandas to_sql multi": _PANDAS_MULTI, "dlt": _DLT}


class Peers:
    """An environment with the others in it, or none where no registry can be reached."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.python: Path | None = folder / "env" / "bin" / "python"
        venv.create(folder / "env", with_pip=True)
        done = subprocess.run(
            [str(self.python), "-m", "pip", "install", "-q", *PACKAGES],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            print("peers skipped: they could not be installed", file=sys.stderr)
            self.python = None

    def times(self, stack: BenchStack, content: bytes) -> dict[str, float]:
        """Seconds that each took for this file; one that failed is left out, with a word."""
        if self.python is None:
            return {}
        path = self._folder / "clean.csv"
        path.write_bytes(content)
        took = {}
        for name, program in PROGRAMS.items():
            with tempfile.TemporaryDirectory() as scratch:
                done = subprocess.run(
                    [str(self.python), "-c", program, str(path), stack.admin_url, scratch],
                    capture_output=True, text=True, check=False,
                )  # fmt: skip
            if done.returncode == 0:
                took[name] = float(json.loads(done.stdout.strip().splitlines()[-1]))
            else:
                print(f"{name} failed: {done.stderr.strip()[-300:]}", file=sys.stderr)
        return took
