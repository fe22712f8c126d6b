"""Promise 23: the same file loads once, and half a file never does.

For each of many files: an upload that breaks off half way loads nothing; then the whole file comes
at once from three senders under three names, again with a key that was used (a sender that heard no
answer), again under another name, and again as it was. One of these imports creates every budget,
the others nothing; each budget has one entry.

usage: python -m bench.trials.same_file [--files 100] [--seed N]
"""

from __future__ import annotations

import argparse
import random
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import httpx
import psycopg

from bench import messy
from bench.stack import BenchStack, running
from bench.trials.verdict import Verdict, now_seed

ROWS = 40
ENDED = {"completed", "completed_with_errors", "failed", "cancelled"}


def send(api: httpx.Client, name: str, content: bytes, key: str = "") -> str:
    """Upload a file and return the import's id."""
    answer = api.post(
        "/api/v1/imports",
        files={"file": (name, content)},
        headers={"Idempotency-Key": key or uuid4().hex},
    )
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def break_off(api: httpx.Client, content: bytes, share: float) -> None:
    """Begin an upload, send a share of it, and hang up."""
    request = api.build_request(
        "POST", "/api/v1/imports", files={"file": ("growing.csv", content)},
        headers={"Idempotency-Key": uuid4().hex},
    )  # fmt: skip
    body = request.read()
    lines = [f"POST {request.url.path} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    where = urlsplit(str(api.base_url))
    with socket.create_connection((where.hostname or "", where.port or 80), timeout=10) as line:
        line.sendall("\r\n".join([*lines, "", ""]).encode() + body[: int(len(body) * share)])


def wait(api: httpx.Client) -> list[dict[str, object]]:
    """All imports of the tenant, once every one has ended."""
    while True:
        found = api.get("/api/v1/imports").json()["data"]
        if all(run["state"] in ENDED for run in found):
            return list(found)
        time.sleep(0.05)


def counts(watch: psycopg.Connection, tenant_id: UUID) -> tuple[int, int, int]:
    row = watch.execute(
        "select (select count(*) from budget where tenant_id = %(t)s),"
        " (select count(*) from budget_account where tenant_id = %(t)s),"
        " (select count(*) from ledger_entry where tenant_id = %(t)s)",
        {"t": tenant_id},
    ).fetchone()
    assert row is not None
    return row


def one_file(
    verdict: Verdict, stack: BenchStack, watch: psycopg.Connection, n: int, chance: random.Random
) -> None:
    tenant_id, api = stack.tenant()
    content = messy.clean_csv(messy.rows_of(ROWS, chance.randrange(1 << 30)))
    for _ in range(2):
        break_off(api, content, chance.uniform(0.05, 0.95))
    seen = counts(watch, tenant_id)
    verdict.require(seen == (0, 0, 0) and not wait(api), f"file {n}: half a file gave {seen}")
    key = uuid4().hex
    with ThreadPoolExecutor(3) as senders:
        sent = [senders.submit(send, api, f"budget-{s}.csv", content, key if s == 0 else "")
                for s in range(3)]  # fmt: skip
        first = [done.result() for done in sent]
    again = send(api, "budget-0.csv", content, key)
    verdict.require(again == first[0], f"file {n}: a key that was used began another import")
    wait(api)
    send(api, "renamed.csv", content)
    send(api, "budget-0.csv", content)
    ended = wait(api)
    verdict.counts["files"] += 1
    verdict.counts["sendings"] += 8
    created = sorted(int(run["counts"]["created"]) for run in ended)  # type: ignore[index]
    verdict.require(
        created == [0] * (len(ended) - 1) + [ROWS] and len(ended) == 5,
        f"file {n}: the imports created {created}",
    )
    states = {run["state"] for run in ended}
    verdict.require(states == {"completed"}, f"file {n}: imports ended {states}")
    seen = counts(watch, tenant_id)
    verdict.require(seen == (ROWS, ROWS, ROWS), f"file {n}: loaded {seen}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--files", type=int, default=100)
    parser.add_argument("--seed", type=int, default=now_seed())
    options = parser.parse_args()
    verdict = Verdict("23 the same file loads once", options.seed)
    chance = random.Random(options.seed)
    with running() as stack, psycopg.connect(stack.admin, autocommit=True) as watch:
        for n in range(options.files):
            one_file(verdict, stack, watch, n, chance)
    verdict.close()


if __name__ == "__main__":
    main()
