"""Sources stay small: a large file streams into the store in flat memory, a long listing is a call
a thousand objects.

usage: python -m bench.trials.large_objects [--megabytes 1024] [--objects 10000]
"""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
import os
import resource
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

from bench.trials.verdict import Verdict, now_seed, quietly
from tests.connectors.peers.s3_servers import Moto
from tests.connectors.peers.sftp_servers import AsyncSsh, OpenSsh
from tests.connectors.test_sftp import Folder

# A worker's memory, beside what any process of ours takes.
MEMORY_MB = 150
PROCESSES = multiprocessing.get_context("forkserver")
PIECE = 8 << 20


def take(kind: str, config: dict[str, Any], secret: dict[str, Any], answer: Any) -> None:
    """In a process of its own: list one file, stream it into the store, say what it took."""
    from bursar import files
    from connectors import connector_class

    quietly()
    make: Callable[..., Any] = connector_class(kind)
    start = time.perf_counter()
    with make(config, secret) as place:
        (arrival,) = place.list()
        with place.open(arrival) as stream:
            kept = files.keep(uuid4(), "large", stream, 1 << 40)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    answer.put((kept.sha256, kept.size_bytes, peak, time.perf_counter() - start))


def taken(kind: str, place: tuple[dict[str, Any], dict[str, Any]]) -> Any:
    answer = PROCESSES.Queue()
    worker = PROCESSES.Process(target=take, args=(kind, *place, answer))
    worker.start()
    found = answer.get(timeout=1_800)
    worker.join()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=1_024)
    parser.add_argument("--objects", type=int, default=10_000)
    options = parser.parse_args()
    verdict = Verdict("sources stay small", now_seed())
    seen: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        os.environ["BURSAR_FILE_STORE"] = folder
        os.environ["BURSAR_ALLOW_PRIVATE_HOSTS"] = "127.0.0.1"
        large = Path(folder) / "large"
        digest = hashlib.sha256()
        with large.open("wb") as file:
            for _ in range(options.megabytes // 8):
                block = os.urandom(PIECE)
                digest.update(block)
                file.write(block)
        size = large.stat().st_size
        for kind, start in (("sftp", OpenSsh), ("s3", lambda: Moto(strict=False))):
            server: Any = start()
            try:
                place = sftp_with(server, large) if kind == "sftp" else s3_with(server, large)
                sha, count, peak, took = taken(kind, place)
                verdict.require(sha == digest.digest() and count == size, f"{kind}: other bytes")
                verdict.require(peak < MEMORY_MB, f"{kind}: {peak:.0f} MB")
                seen[kind] = f"{peak:.0f} MB at most, {size / 1e6 / took:.0f} MB a second"
                if kind == "s3":
                    seen["listing"] = f"{listing(server, options.objects, verdict)} calls"
            finally:
                server.stop()
    verdict.close(**seen)


def sftp_with(server: OpenSsh | AsyncSsh, large: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    folder = Folder(server)
    os.link(large, folder.file("large.csv"))
    folder.file("large.csv").chmod(0o644)
    return folder.settings()


def s3_with(server: Moto, large: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    server.client.create_bucket(Bucket="large-objects")
    server.client.upload_file(str(large), "large-objects", "in/large.csv")
    config = {"bucket": "large-objects", "prefix": "in/", "endpoint_url": server.url}
    return config, dict(server.secret)


def listing(server: Moto, count: int, verdict: Verdict) -> int:
    from connectors.s3 import S3

    server.client.create_bucket(Bucket="many-objects")
    put = server.client.put_object
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: put(Bucket="many-objects", Key=f"{n:06}.csv", Body=b"x"),
                      range(count)))  # fmt: skip
    before = len(server.calls())
    config = {"bucket": "many-objects", "endpoint_url": server.url}
    with S3(config, dict(server.secret)) as place:
        listed = sum(1 for _ in place.list())
    calls = len(server.calls()) - before
    verdict.require(listed == count, f"{listed} of {count} objects listed")
    verdict.require(calls <= count / 1_000 + 2, f"{calls} calls for {count} objects")
    return calls


if __name__ == "__main__":
    main()
