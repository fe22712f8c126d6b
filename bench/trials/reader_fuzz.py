"""Coverage-guided fuzzing of the reader, run by `bench.trials.reader` with atheris beside it.

Goes on after a finding, so that an hour is an hour: each distinct one is written down once.

usage: python -m bench.trials.reader_fuzz FOLDER SECONDS SEED
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
import time
import traceback
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["bursar.importing", "bursar.fiscal", "bursar.money"]):
    from bench.trials import anything

SECONDS_EACH = 2.0


def main() -> None:
    folder, seconds, seed = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    findings = folder / "findings"
    findings.mkdir(exist_ok=True)
    work = Path(tempfile.mkdtemp(dir=folder))
    slowest = 0.0

    def note(kind: str, data: bytes, said: str) -> None:
        # The place it came from tells findings apart, not the bytes that led there.
        name = f"{kind}-{hashlib.sha256(said.encode()).hexdigest()[:12]}"
        if not (findings / name).exists():
            (findings / name).write_bytes(data)
            (findings / f"{name}.txt").write_text(said)

    def one(data: bytes) -> None:
        nonlocal slowest
        if not data:
            return
        path = anything.write_content(work, data[0], data[1:])
        start = time.process_time()
        try:
            anything.read_whole(path, path.name)
        except Exception:
            last = traceback.format_exc().strip().splitlines()
            note("raised", data, "\n".join(last[-8:]))
        took = time.process_time() - start
        if took > slowest:
            slowest = took
            (folder / "slowest").write_text(f"{took:.3f}")
        if took > SECONDS_EACH:
            note("slow", data, f"{len(data)} bytes take {took:.1f} s")

    atheris.Setup(
        [
            sys.argv[0], str(folder / "corpus"), f"-max_total_time={seconds}", f"-seed={seed}",
            "-max_len=6000", "-rss_limit_mb=512", "-timeout=30", "-print_final_stats=1",
            f"-artifact_prefix={findings}/",
        ],
        one,
    )  # fmt: skip
    atheris.Fuzz()


if __name__ == "__main__":
    main()
