"""What a request waits at a hundred requests a second, quietly and while a file is imported.

Requests come at fixed moments, whether those before them have been answered or not, and a wait is
counted from the moment at which the request was due: nothing is left out because a server was slow.
Beside checks, reservations, charges, releases and top-ups the present month of the whole tenant is
reported over a million entries, and a budget of a hundred thousand entries is reconciled.

usage: python -m bench.latencies [--rate 100] [--rows 1000000] [--quiet 30] [--budgets 1000]
"""

from __future__ import annotations

import argparse
import random
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import httpx

from bench import messy
from bench.stack import BenchStack, running
from bursar.ledger import funds
from bursar.ledger.batches import Item, reserve_many

# Milliseconds that 95 of 100 must not pass.
FLOORS = {"check": 50, "reserve": 50, "charge": 50, "release": 50, "topup": 30,
          "reconcile": 100, "report": 500}  # fmt: skip
# How often each comes, of a hundred requests.
MIX = {"check": 40, "reserve": 26, "charge": 13, "release": 13, "topup": 8}
# These come on their own, so many seconds apart.
SELDOM = {"reconcile": 2.0, "report": 5.0}
ENTRIES_EACH = 1_000
THREADS = 32


@dataclass
class Load:
    """Who asks, for what, and how long each answer took."""

    client: httpx.Client
    budgets: list[dict[str, str]]
    large: UUID
    refs: deque[str] = field(default_factory=deque)
    waits: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    wrong: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def send(self, name: str, due: float) -> None:
        response = getattr(self, f"_{name}")()
        took = time.perf_counter() - due
        with self.lock:
            self.waits[name].append(took * 1000)
            if response.status_code >= 300:
                self.wrong.append(f"{name}: {response.status_code} {response.text[:120]}")

    def _post(self, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
        headers = {"Idempotency-Key": uuid4().hex}
        return self.client.post(f"/api/v1{path}", json=body or {}, headers=headers)

    def _check(self) -> httpx.Response:
        budget = random.choice(self.budgets)
        return self._post("/budgets/check", {
            "department": budget["department"], "fiscal_period": budget["fiscal_period"],
            "amount": "1", "currency": "USD",
        })  # fmt: skip

    def _reserve(self) -> httpx.Response:
        ref = uuid4().hex
        body = {"amount": "1.25", "currency": "USD", "ref_id": ref}
        answer = self._post(f"/budgets/{random.choice(self.budgets)['id']}/reservations", body)
        self.refs.append(ref)
        return answer

    def _charge(self) -> httpx.Response:
        return self._post(f"/reservations/{self.refs.popleft()}/charge")

    def _release(self) -> httpx.Response:
        return self._post(f"/reservations/{self.refs.popleft()}/release")

    def _topup(self) -> httpx.Response:
        body = {"amount": "1", "currency": "USD", "reason": "bench"}
        return self._post(f"/budgets/{random.choice(self.budgets)['id']}/topup", body)

    def _reconcile(self) -> httpx.Response:
        return self._post(f"/budgets/{self.large}/reconcile")

    def _report(self) -> httpx.Response:
        return self.client.get("/api/v1/reports/tenant", params={"range": "month"})


def arrivals(rate: int) -> Iterator[tuple[float, str]]:
    """Seconds since the start, and what is asked for then."""
    order = [name for name, share in MIX.items() for _ in range(share)]
    random.shuffle(order)
    following = dict.fromkeys(SELDOM, 1.0)
    number = 0
    while True:
        moment = number / rate
        for name, apart in SELDOM.items():
            if moment >= following[name]:
                following[name] += apart
                yield moment, name
        yield moment, order[number % len(order)]
        number += 1


def drive(load: Load, rate: int, going: Callable[[float], bool]) -> dict[str, list[float]]:
    """Ask until `going` says stop; the waits in milliseconds, by what was asked."""
    load.waits.clear()
    start = time.perf_counter()
    with ThreadPoolExecutor(THREADS) as pool:
        for moment, name in arrivals(rate):
            if not going(moment):
                break
            ahead = start + moment - time.perf_counter()
            if ahead > 0:
                time.sleep(ahead)
            pool.submit(load.send, name, start + moment)
    return dict(load.waits)


def fill(stack: BenchStack, tenant_id: UUID, client: httpx.Client, count: int) -> Load:
    """Budgets with entries that the ledger's own functions have made, so that they are proven."""
    rows = "".join(f"D{n},1000000,FY2026\n" for n in range(count + 1))
    content = f"Department,Budget,Year\n{rows}".encode()
    import_file(client, content)
    budgets, cursor = [], None
    while True:
        page = client.get(
            "/api/v1/budgets", params={"limit": 200} | ({"cursor": cursor} if cursor else {})
        ).json()
        budgets += page["data"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    large, *rest = budgets

    def hold(budget: str, times: int) -> None:
        for _ in range(times):
            items = [Item(UUID(budget), Decimal(1), "USD", uuid4().hex, "bench")
                     for _ in range(ENTRIES_EACH - 1)]  # fmt: skip
            reserve_many(stack.database, tenant_id, items)

    with ThreadPoolExecutor(2) as pool:
        done = [pool.submit(hold, budget["id"], 1) for budget in rest]
        done.append(pool.submit(hold, large["id"], 100))
        for one in done:
            one.result()
    for budget in rest[:10]:  # room for what comes
        funds.fund(stack.database, tenant_id, UUID(budget["id"]), Decimal(1), "USD",
                   reason="bench", actor="bench")  # fmt: skip
    load = Load(client, rest, UUID(large["id"]))
    for _ in range(200):
        load.send("reserve", 0)
    return load


def import_file(client: httpx.Client, content: bytes) -> str:
    started = client.post(
        "/api/v1/imports", files={"file": ("bench.csv", content)},
        data={"mode": "skip_errors"},
        headers={"Idempotency-Key": uuid4().hex},
    ).json()  # fmt: skip
    while ended(client, started["id"]) is None:
        time.sleep(0.2)
    return str(started["id"])


def ended(client: httpx.Client, import_id: str) -> str | None:
    state = client.get(f"/api/v1/imports/{import_id}").json()["state"]
    return state if state in ("completed", "failed", "completed_with_errors") else None


def tell(phase: str, waits: dict[str, list[float]]) -> None:
    count = sum(map(len, waits.values()))
    print(f"\n{phase}: {count:,} requests")
    for name, floor in FLOORS.items():
        found = sorted(waits.get(name, ()))
        if not found:
            continue
        middle, high = found[len(found) // 2], found[int(len(found) * 0.95)]
        verdict = "holds" if high <= floor else f"passes its floor by {high - floor:,.0f} ms"
        print(
            f"{name:>10}: median {middle:7,.1f} ms, 95th percentile {high:7,.1f} ms"
            f" (floor {floor}), longest {found[-1]:7,.0f} of {len(found):,}: {verdict}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rate", type=int, default=100)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--quiet", type=int, default=30, help="seconds without an import")
    parser.add_argument("--budgets", type=int, default=1_000)
    options = parser.parse_args()
    content = messy.messy_csv(messy.rows_of(options.rows, 1), 1)
    with running() as stack:
        tenant_id, client = stack.tenant()
        client = httpx.Client(
            base_url=stack.url, headers=client.headers, timeout=600,
            limits=httpx.Limits(max_connections=THREADS + 4),
        )  # fmt: skip
        load = fill(stack, tenant_id, client, options.budgets)
        tell("quiet", drive(load, options.rate, lambda moment: moment < options.quiet))
        state: list[str] = []

        def work() -> None:
            state.append(import_file(client, content))

        importing = threading.Thread(target=work)
        importing.start()
        waits = drive(load, options.rate, lambda _: importing.is_alive())
        tell(f"while {options.rows:,} rows are imported", waits)
        importing.join()
        print(f"import: {ended(client, state[0])}; refused or failed requests: {len(load.wrong)}")
        for line in load.wrong[:5]:
            print(f"  {line}")


if __name__ == "__main__":
    main()
