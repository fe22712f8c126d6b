"""Promise 22: PostgreSQL may crash, and what was acknowledged is there.

A whole stack is at work: eight callers reserve more than there is, each request under a reference
and a key of its own and repeated until it is answered; another adds money to a budget, and one
sends files to import. Ten times meanwhile PostgreSQL ends at once, by turns on SIGQUIT and by
kill -9. After each crash the stack must answer again soon; and in the end everything that was
acknowledged is there exactly once, no cap was passed at any entry, and every job is done.

usage: python -m bench.trials.crash [--crashes 10] [--threads 8] [--room 300] [--seed N]
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from decimal import Decimal
from uuid import UUID, uuid4

import httpx
import psycopg

from bench.stack import BenchStack, running
from bench.trials.verdict import Verdict, now_seed
from bursar.budgets.editing import NewBudget, create_budget
from bursar.proof.reconcile import broken_budgets
from ops.stack.state import read_state

WITHIN = 15.0
ROWS = 3  # of each imported file
PASSED = """
    select count(*) from (
      select a.authorized, sum(case e.to_bucket when 'reserved' then e.amount else 0 end)
               over (partition by e.account_id order by e.seq) as used
        from ledger_entry e
        join budget_account a on a.tenant_id = e.tenant_id and a.id = e.account_id
       where e.tenant_id = %s and a.budget_id = any(%s)) x
     where used > authorized
"""


class Callers:
    """Programs of one tenant that ask until they are answered."""

    def __init__(self, stack: BenchStack, crashes: int, room: int) -> None:
        self.stack, self.room = stack, room
        self.tenant_id, client = stack.tenant("Crashes")
        self.client = httpx.Client(
            base_url=stack.url, headers=client.headers, timeout=20,
            limits=httpx.Limits(max_connections=64),
        )  # fmt: skip
        with stack.database.transaction(self.tenant_id, "trial") as session:
            made = [
                create_budget(session, self.tenant_id, new, "trial").id
                for new in (
                    NewBudget(f"Hot {n}", "FY2026", Decimal(amount), "USD")
                    for n, amount in enumerate([0, *[room] * (crashes + 1)])
                )
            ]
        self.fund, *self.capped = [UUID(str(one)) for one in made]
        self.now = 0  # which of the capped ones is asked
        self.over = threading.Event()
        self.heard: Counter[str] = Counter()
        self._lock = threading.Lock()

    def until_answered(self, send: Callable[[dict[str, str]], httpx.Response]) -> httpx.Response:
        """Send it under one key until there is an answer that is not about the moment."""
        key = {"Idempotency-Key": uuid4().hex}
        while True:
            try:
                answer = send(key)
            except httpx.TransportError as error:
                self._note(type(error).__name__)
            else:
                busy = answer.status_code == 409 and answer.json()["code"] == "request_in_progress"
                if answer.status_code != 503 and not busy:
                    return answer
                self._note("in progress" if busy else "503")
            time.sleep(0.1)

    def _note(self, what: str) -> None:
        with self._lock:
            self.heard[what] += 1

    def reserve(self, seed: int) -> dict[str, tuple[int, str]]:
        """What was answered to each reference: the number of the budget, `ok` or a code."""
        chance, answers = random.Random(seed), {}
        while not self.over.is_set():
            ref, number = uuid4().hex, self.now
            body = {"amount": str(chance.randint(1, 3)), "currency": "USD", "ref_id": ref}
            path = f"/api/v1/budgets/{self.capped[number]}/reservations"
            answer = self.until_answered(
                lambda key, path=path, body=body: self.client.post(path, json=body, headers=key)
            )
            said = "ok" if answer.status_code == 201 else answer.json()["code"]
            answers[ref] = (number, said)
            if said != "ok":
                time.sleep(0.02)
        return answers

    def topup(self) -> str:
        """Add 1 to the fund; `ok` or what was answered instead."""
        body = {"amount": "1", "currency": "USD", "reason": "trial"}
        path = f"/api/v1/budgets/{self.fund}/topup"
        answer = self.until_answered(lambda key: self.client.post(path, json=body, headers=key))
        return "ok" if answer.status_code == 201 else answer.text

    def topups(self) -> Counter[str]:
        said: Counter[str] = Counter()
        while not self.over.is_set():
            said[self.topup()] += 1
        return said

    def imports(self) -> Counter[str]:
        """Send small files, each with budgets of its own."""
        said: Counter[str] = Counter()
        while not self.over.wait(0.5):
            lines = [f"Sent {said['ok']},Part {n},FY2026,{n + 1}" for n in range(ROWS)]
            content = "\n".join(["Department,Sub Category,Fiscal Year,Budget", *lines]).encode()
            answer = self.until_answered(
                lambda key, content=content: self.client.post(
                    "/api/v1/imports", files={"file": ("b.csv", content)}, headers=key
                )
            )
            said["ok" if answer.status_code == 202 else answer.text] += 1
        return said


def crash(callers: Callers, number: signal.Signals) -> float:
    """End PostgreSQL at once; the seconds until the stack has done what it was asked after that."""
    before = callers.stack.pids("postgres")[0]
    os.kill(before, number)
    start = time.monotonic()
    while True:
        found = [p.identity.pid for p in read_state(callers.stack.home).processes
                 if p.name == "postgres" and p.identity]  # fmt: skip
        if found and found != [before]:
            break
        time.sleep(0.02)
    callers.heard["topups of the trial"] += callers.topup() == "ok"
    while not httpx.get(f"{callers.stack.url}/readyz", timeout=20).is_success:
        time.sleep(0.02)
    return time.monotonic() - start


def rows(stack: BenchStack, statement: str, *parameters: object) -> list[tuple]:  # type: ignore[type-arg]
    """What a superuser reads, whose connections do not outlive a crash."""
    with psycopg.connect(stack.admin) as admin:
        return admin.execute(statement.encode(), parameters).fetchall()


def wait_for_jobs(stack: BenchStack, verdict: Verdict) -> None:
    deadline = time.monotonic() + 180
    live = "select count(*) from job where state in ('queued', 'running', 'retrying')"
    while rows(stack, live) != [(0,)] and time.monotonic() < deadline:
        time.sleep(0.5)
    states = rows(stack, "select kind, state, count(*) from job group by 1, 2")
    bad = [row for row in states if row[1] != "succeeded"]
    verdict.require(bad == [], f"jobs ended otherwise: {bad}")
    verdict.counts["jobs"] = sum(row[2] for row in states)
    tried = rows(stack, "select count(*) from job where attempts > 1")
    verdict.counts["jobs_tried_again"] = tried[0][0]


def check_reservations(
    callers: Callers, answers: dict[str, tuple[int, str]], verdict: Verdict
) -> None:
    """Each acknowledged reference has one entry and one hold of its budget; a refused one none."""
    stack, capped = callers.stack, callers.capped
    won = Counter((ref, capped[n]) for ref, (n, said) in answers.items() if said == "ok")
    entered = Counter(rows(
        stack,
        "select e.ref_id, a.budget_id from ledger_entry e join budget_account a"
        " on a.tenant_id = e.tenant_id and a.id = e.account_id"
        " where e.tenant_id = %s and e.kind = 'reserve'",
        callers.tenant_id,
    ))  # fmt: skip
    held = Counter(rows(
        stack, "select ref_id, budget_id from hold where tenant_id = %s", callers.tenant_id
    ))  # fmt: skip
    verdict.require(entered == won, f"{len(won - entered)} lost, {len(entered - won)} too many")
    verdict.require(held == won, "the holds are not those that were acknowledged")
    passed = rows(stack, PASSED, callers.tenant_id, capped)
    verdict.require(passed == [(0,)], f"a cap was passed at {passed} entries")
    others = {said for _, said in answers.values()} - {"ok", "insufficient_funds"}
    verdict.require(not others, f"other answers: {others}")
    verdict.counts["reserved"] = len(won)
    verdict.counts["refused"] = len(answers) - len(won)


def check_the_rest(
    callers: Callers, topups: Counter[str], sent: Counter[str], verdict: Verdict
) -> None:
    stack = callers.stack
    added = topups["ok"] + callers.heard.pop("topups of the trial")
    fund = rows(stack, "select authorized from budget_account where budget_id = %s", callers.fund)
    verdict.require(fund == [(added,)], f"{fund} of {added} top-ups")
    verdict.require(set(topups) | set(sent) == {"ok"}, f"other answers: {topups}, {sent}")
    loaded = rows(
        stack,
        "select count(*), sum(a.authorized), sum(a.entry_seq) from budget b join budget_account a"
        " on a.tenant_id = b.tenant_id and a.budget_id = b.id"
        " where b.tenant_id = %s and b.name like 'Sent %%'",
        callers.tenant_id,
    )
    each = ROWS * (ROWS + 1) // 2
    expected = [(ROWS * sent["ok"], each * sent["ok"], ROWS * sent["ok"])]
    verdict.require(loaded == expected, f"imports made {loaded}, not {expected}")
    for (tenant_id,) in rows(stack, "select id from tenant"):
        with stack.database.transaction(tenant_id) as session:
            broken = broken_budgets(session, tenant_id)
        verdict.require(broken == [], f"counters or chain of {tenant_id} do not hold: {broken}")
    verdict.counts["topups"], verdict.counts["imports"] = added, sent["ok"]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--crashes", type=int, default=10)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--room", type=int, default=300, help="of each budget that is capped")
    parser.add_argument("--seed", type=int, default=now_seed())
    options = parser.parse_args()
    verdict, chance = Verdict("22 PostgreSQL may crash", options.seed), random.Random(options.seed)
    with running() as stack:
        callers, took = Callers(stack, options.crashes, options.room), []
        with ThreadPoolExecutor(options.threads + 2) as pool:
            topups, sent = pool.submit(callers.topups), pool.submit(callers.imports)
            reserving: list[Future[dict[str, tuple[int, str]]]] = [
                pool.submit(callers.reserve, options.seed + n) for n in range(options.threads)
            ]
            try:
                for n in range(options.crashes):
                    time.sleep(chance.uniform(1, 5))
                    took.append(crash(callers, (signal.SIGQUIT, signal.SIGKILL)[n % 2]))
                    print(f"crash {n + 1}: answered after {took[-1]:.1f} s", flush=True)
                    verdict.require(took[-1] <= WITHIN, f"crash {n + 1} took {took[-1]:.1f} s")
                    callers.now += 1
                time.sleep(2)
            finally:
                callers.over.set()
            answers = {ref: said for one in reserving for ref, said in one.result().items()}
        wait_for_jobs(stack, verdict)
        check_reservations(callers, answers, verdict)
        check_the_rest(callers, topups.result(), sent.result(), verdict)
    verdict.close(
        crashes=options.crashes, longest_seconds=f"{max(took):.1f}", heard=dict(callers.heard)
    )


if __name__ == "__main__":
    main()
