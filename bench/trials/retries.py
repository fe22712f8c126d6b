"""Promises 5, 6 and 7: retries are safe, a lost answer does no harm, no update is lost.

Top-ups are sent three times at once under each key; web processes are killed while top-ups are on
their way, and whoever heard nothing asks again with the same key; and many clients edit one budget
in the version that they have read.

usage: python -m bench.trials.retries [--keys 5000] [--kills 100] [--clients 20] [--edits 100]
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from decimal import Decimal
from uuid import UUID, uuid4

import httpx

from bench.stack import BenchStack, running
from bench.trials.verdict import Verdict, now_seed
from bursar.budgets.editing import NewBudget, create_budget
from bursar.ledger import operations
from bursar.proof.reconcile import broken_budgets

ONE = {"amount": "1", "currency": "USD", "reason": "trial"}


class Caller:
    """The API of a tenant with one budget."""

    def __init__(self, stack: BenchStack, name: str) -> None:
        self.stack = stack
        self.tenant_id, client = stack.tenant(name)
        self.client = httpx.Client(
            base_url=stack.url, headers=client.headers, timeout=30,
            limits=httpx.Limits(max_connections=64),
        )  # fmt: skip
        with stack.database.transaction(self.tenant_id, "trial") as session:
            new = NewBudget("Hot", "FY2026", Decimal(0), "USD")
            self.budget = UUID(str(create_budget(session, self.tenant_id, new, "trial").id))

    def topup(self, key: str | None, body: dict[str, str] = ONE) -> httpx.Response:
        headers = {"Idempotency-Key": key} if key else {}
        return self.client.post(f"/api/v1/budgets/{self.budget}/topup", json=body, headers=headers)

    def authorized(self) -> Decimal:
        return operations.read_account(self.stack.database, self.tenant_id, self.budget).authorized

    def prove(self, verdict: Verdict) -> None:
        with self.stack.database.transaction(self.tenant_id) as session:
            broken = broken_budgets(session, self.tenant_id)
        verdict.require(broken == [], f"counters or chain do not hold: {broken}")


def retries_are_safe(stack: BenchStack, keys: int, verdict: Verdict) -> None:
    caller = Caller(stack, "Keys")
    names = [uuid4().hex for _ in range(keys)]
    asked = [name for name in names for _ in range(3)]
    with ThreadPoolExecutor(30) as pool:
        answers = list(pool.map(caller.topup, asked))
    statuses = Counter(answer.status_code for answer in answers)
    verdict.require(set(statuses) <= {201, 409}, f"answers of a key: {dict(statuses)}")
    busy = [a for a in answers if a.status_code == 409]
    verdict.require(all(a.json()["code"] == "request_in_progress" for a in busy), "another 409")
    first = sum(1 for a in answers
                if a.status_code == 201 and "Idempotency-Replayed" not in a.headers)  # fmt: skip
    verdict.require(first == keys, f"{first} answers were first ones")
    verdict.require(caller.authorized() == keys, f"{caller.authorized()} effects of {keys}")
    others = Counter(
        answer.status_code
        for name in names[:50]
        for answer in (caller.topup(name, ONE | {"amount": "2"}), caller.topup(None))
    )
    verdict.require(others == {422: 50, 400: 50}, f"other body and no key: {dict(others)}")
    verdict.require(caller.authorized() == keys, "a refusal had an effect")
    caller.prove(verdict)
    verdict.counts["keys"], verdict.counts["requests"] = keys, len(asked) + 100
    verdict.counts["still_running"] = statuses[409]


def lost_answers_do_no_harm(
    stack: BenchStack, kills: int, chance: random.Random, verdict: Verdict
) -> None:
    caller = Caller(stack, "Kills")
    over = threading.Event()
    lost = Counter[str]()

    def keep_adding(_: int) -> int:
        done = 0
        while not over.is_set():
            key = uuid4().hex
            while True:  # until there is an answer
                try:
                    answer = caller.topup(key)
                except httpx.TransportError:
                    lost["answers"] += 1
                    time.sleep(0.05)
                    continue
                if answer.status_code == 201:
                    break
                lost[str(answer.status_code)] += 1
                time.sleep(0.05)
            done += 1
        return done

    killed = 0
    with ThreadPoolExecutor(8) as pool:
        adding = [pool.submit(keep_adding, n) for n in range(8)]
        while killed < kills:
            time.sleep(chance.uniform(0.1, 0.5))
            workers = stack.pids("web")[1:]
            if workers:
                with suppress(ProcessLookupError):
                    os.kill(chance.choice(workers), signal.SIGKILL)
                    killed += 1
        over.set()
        done = sum(one.result() for one in adding)
    verdict.require(caller.authorized() == done, f"{caller.authorized()} effects of {done}")
    strange = set(lost) - {"answers", "409", "503"}
    verdict.require(not strange, f"other answers: {dict(lost)}")
    caller.prove(verdict)
    verdict.counts["killed"], verdict.counts["topups"] = killed, done
    verdict.counts["lost_answers"] = lost["answers"]


def no_update_is_lost(stack: BenchStack, clients: int, edits: int, verdict: Verdict) -> None:
    caller = Caller(stack, "Edits")
    path = f"/api/v1/budgets/{caller.budget}"
    start = caller.client.get(path).json()["version"]

    def edit(number: int) -> Counter[int]:
        seen: Counter[int] = Counter()
        for n in range(edits):
            version = caller.client.get(path).json()["version"]
            answer = caller.client.patch(
                path, json={"notes": f"{number}/{n}"}, headers={"If-Match": f'"{version}"'}
            )
            seen[answer.status_code] += 1
            if answer.status_code == 412:
                verdict.require(answer.json()["current_version"] > version, "a 412 without cause")
        return seen

    with ThreadPoolExecutor(clients) as pool:
        seen = sum(pool.map(edit, range(clients)), Counter())
    verdict.require(set(seen) <= {200, 412}, f"answers of an edit: {dict(seen)}")
    found = caller.client.get(path).json()["version"]
    verdict.require(found == start + seen[200], f"version {found} after {seen[200]} wins")
    bare = caller.client.patch(path, json={"notes": "x"}).status_code
    verdict.require(bare == 428, f"{bare} without If-Match")
    verdict.counts["edits"], verdict.counts["won"] = sum(seen.values()), seen[200]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--keys", type=int, default=5_000)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--edits", type=int, default=100)
    parser.add_argument("--seed", type=int, default=now_seed())
    options = parser.parse_args()
    verdict = Verdict("5, 6, 7 retries, lost answers and updates", options.seed)
    with running() as stack:
        retries_are_safe(stack, options.keys, verdict)
        no_update_is_lost(stack, options.clients, options.edits, verdict)
        lost_answers_do_no_harm(stack, options.kills, random.Random(options.seed), verdict)
    verdict.close()


if __name__ == "__main__":
    main()
