"""Checks and reservations over HTTP beside a route that only looks at the key, in one run.

wrk sends from this machine, so its own processor time is in every figure alike. Rounds take turns;
figures are medians. Reservations go over many budgets and to one hot one, from as many clients.

usage: python -m bench.ledger_http [--seconds 5] [--rounds 3] [--budgets 10000] [--clients 64]
"""

from __future__ import annotations

import argparse
import re
import shutil
import statistics
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import psycopg

from bench.ledger import BUDGETS
from bench.stack import BenchStack, running
from bursar.tenants import create_key

LUA = """
local n, thread = 0, math.random(1000000000)
function init(args) math.randomseed(os.time() + tonumber(tostring({{}}):sub(8), 16) % 100000)
  thread = math.random(1000000000) end
local budgets = {{}}
for line in io.lines("{ids}") do budgets[#budgets + 1] = line end
function request()
  n = n + 1
  local mark = thread .. "-" .. n
  local headers = {{["Authorization"] = "Bearer {key}", ["Content-Type"] = "application/json",
                   ["Idempotency-Key"] = mark}}
  {body}
end
done = function(summary) io.write("bad: ", summary.errors.status, "\\n") end
"""
BODIES = {
    "trivial": 'return wrk.format("GET", "/api/v1/me", headers)',
    "check": (
        'return wrk.format("POST", "/api/v1/budgets/check", headers, \'{"department": "D\''
        ' .. math.random(#budgets) .. \'", "fiscal_period": "FY2026", "amount": "1"}\')'
    ),
    "reserve": (
        'return wrk.format("POST", "/api/v1/budgets/" .. budgets[math.random(%d)]'
        ' .. "/reservations", headers, \'{"amount": "1", "currency": "USD", "ref_id": "\''
        " .. mark .. '\"}')"
    ),
}


@dataclass(frozen=True, slots=True)
class Figure:
    """What one run of wrk said."""

    a_second: float
    p90_milliseconds: float


def wrk(url: str, script: str, clients: int, seconds: int) -> Figure:
    """Send requests as a script makes them."""
    program = shutil.which("wrk")
    assert program, "wrk is needed for this measurement"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "script.lua"
        file.write_text(script)
        done = subprocess.run(
            [program, "-t2", f"-c{clients}", f"-d{seconds}s", "--latency", "-s", str(file), url],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
    assert "bad: 0" in done.stdout, done.stdout
    rate = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    late = re.search(r"90%\s+([\d.]+)(us|ms|s)", done.stdout)
    assert rate, done.stdout
    assert late, done.stdout
    return Figure(float(rate[1]), float(late[1]) * {"us": 0.001, "ms": 1, "s": 1000}[late[2]])


def fill(stack: BenchStack, tenant_id: UUID, budgets: int) -> list[str]:
    """Make the budgets; their ids, in the order of their departments."""
    with psycopg.connect(stack.admin, autocommit=True) as admin:
        for statement in BUDGETS.split(";\n"):
            if statement.strip():
                admin.execute(statement.encode(), {"t": tenant_id, "budgets": budgets})
        admin.execute("vacuum analyze")
        rows = admin.execute(
            "select id from budget where tenant_id = %s order by substr(name, 2)::int", (tenant_id,)
        ).fetchall()
    return [str(row[0]) for row in rows]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--budgets", type=int, default=10_000)
    parser.add_argument("--clients", type=int, default=64)
    options = parser.parse_args()
    with running(BURSAR_WEB_THREADS="32") as stack, tempfile.TemporaryDirectory() as folder:
        tenant_id, _ = stack.tenant()
        ids = Path(folder) / "ids"
        ids.write_text("\n".join(fill(stack, tenant_id, options.budgets)))
        with stack.database.transaction(tenant_id, "bench") as session:
            key = create_key(session, tenant_id, "admin")
        runs = {
            "trivial": (BODIES["trivial"], 8),
            "check": (BODIES["check"], 8),
            "reserve": (BODIES["reserve"] % options.budgets, 8),
            "many budgets": (BODIES["reserve"] % options.budgets, options.clients),
            "one hot budget": (BODIES["reserve"] % 1, options.clients),
        }
        figures: dict[str, list[Figure]] = {name: [] for name in runs}
        for _ in range(options.rounds):
            for name, (body, clients) in runs.items():
                script = LUA.format(ids=ids, key=key, body=body)
                figures[name].append(wrk(stack.url, script, clients, options.seconds))
    rates = {}
    for name, found in figures.items():
        rates[name] = statistics.median(one.a_second for one in found)
        p90 = statistics.median(one.p90_milliseconds for one in found)
        print(f"{name:>16} {runs[name][1]:>3} clients {rates[name]:>8,.0f}/s  p90 {p90:.1f} ms")
    print(f"check / trivial {rates['check'] / rates['trivial']:.2f}")
    print(f"reserve / trivial {rates['reserve'] / rates['trivial']:.2f}")
    print(f"one hot / many budgets {rates['one hot budget'] / rates['many budgets']:.2f}")


if __name__ == "__main__":
    main()
