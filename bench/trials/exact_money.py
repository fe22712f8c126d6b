"""Promise 11: money is exact, from the file through the database and the API into a file again.

Random amounts in currencies of 0, 2 and 3 decimals, the largest that can be stored among them, are
imported over HTTP; what the tables hold and what the API answers is compared with the text of the
file, digit by digit. Then the answers are written as CSV and imported by another tenant, and
compared again. NaN and Infinity are refused, in files and by the API.

usage: python -m bench.trials.exact_money [--values 100000] [--seed N]
"""

from __future__ import annotations

import argparse
import csv
import io
import random
import time
from decimal import Decimal
from uuid import UUID, uuid4

import httpx
import psycopg

from bench.stack import BenchStack, running
from bench.trials.verdict import Verdict, now_seed

PLACES = {"JPY": 0, "KRW": 0, "USD": 2, "EUR": 2, "KWD": 3, "BHD": 3}
HEAD = ["Department", "Fiscal Year", "Currency", "Budgeted Amount"]
Amounts = dict[tuple[str, str], str]
ENDLESS = ("NaN", "Infinity", "-Infinity", "inf", "1e999", "-nan")


def amounts_of(count: int, seed: int) -> Amounts:
    """Canonical decimal text by department and currency; one in ten has all 16 digits."""
    chance = random.Random(seed)
    made = {}
    for n in range(count):
        currency = chance.choice(list(PLACES))
        digits = 16 if chance.random() < 0.1 else chance.randint(1, 9)
        whole = chance.randrange(10**digits)
        places = PLACES[currency]
        decimals = f".{chance.randrange(10**places):0{places}d}" if places else ""
        amount = Decimal(f"{whole}{decimals}")
        sign = "-" if amount and chance.random() < 0.1 else ""
        made[f"Department {n:06d}", currency] = f"{sign}{whole}{decimals}"
    return made


def table_of(amounts: Amounts) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(HEAD)
    writer.writerows([name, "FY2025", currency, a] for (name, currency), a in amounts.items())
    return text.getvalue().encode()


def import_file(api: httpx.Client, content: bytes, mode: str = "all_or_nothing") -> dict[str, int]:
    """Import and wait; the counts of its rows."""
    started = api.post(
        "/api/v1/imports",
        files={"file": ("money.csv", content)},
        data={"mode": mode},
        headers={"Idempotency-Key": uuid4().hex},
    ).json()
    while True:
        run = api.get(f"/api/v1/imports/{started['id']}").json()
        if run["state"] in {"completed", "completed_with_errors", "failed"}:
            assert run["state"] != "failed", run
            return dict(run["counts"])
        time.sleep(0.1)


def in_tables(stack: BenchStack, tenant_id: UUID) -> Amounts:
    """What the accounts hold, as PostgreSQL writes it, in the decimals of the currency."""
    with psycopg.connect(stack.admin) as connection:
        rows = connection.execute(
            "select b.department, a.currency, round(a.authorized, a.decimals)::text,"
            " a.authorized = round(a.authorized, a.decimals), a.authorized = (select"
            " sum(case when e.from_bucket = 'external' then e.amount else -e.amount end)"
            " from ledger_entry e where e.tenant_id = a.tenant_id and e.account_id = a.id)"
            " from budget b join budget_account a on a.tenant_id = b.tenant_id"
            " and a.budget_id = b.id where b.tenant_id = %s",
            (tenant_id,),
        ).fetchall()
    assert all(row[3] and row[4] in (True, None) for row in rows)
    return {(row[0], row[1]): row[2] for row in rows}


def in_answers(api: httpx.Client) -> Amounts:
    """What the API answers, page by page; amounts are JSON strings."""
    found: Amounts = {}
    cursor: str | None = ""
    while cursor is not None:
        page = api.get(
            "/api/v1/budgets", params={"limit": 200, **({"cursor": cursor} if cursor else {})}
        ).json()
        for budget in page["data"]:
            assert isinstance(budget["budgeted_amount"], str)
            assert budget["available"] == budget["budgeted_amount"]
            found[budget["department"], budget["currency"]] = budget["budgeted_amount"]
        cursor = page["next_cursor"]
    return found


def differences(verdict: Verdict, where: str, wanted: Amounts, seen: Amounts) -> None:
    wrong = {key for key in wanted.keys() | seen.keys() if wanted.get(key) != seen.get(key)}
    verdict.counts[f"differ in {where}"] = len(wrong)
    verdict.require(
        not wrong,
        f"{where}: {len(wrong)} differ, such as "
        + ", ".join(f"{k}: {wanted.get(k)} became {seen.get(k)}" for k in sorted(wrong)[:3]),
    )


def refuse_endless(verdict: Verdict, api: httpx.Client) -> None:
    """NaN and its kin are refused as cells and as fields."""
    lines = "".join(f"Endless {n},FY2025,USD,{value}\n" for n, value in enumerate(ENDLESS))
    sound = "".join(f"Sound {n},FY2025,USD,{n}.25\n" for n in range(20))
    content = f"{','.join(HEAD)}\n{sound}{lines}".encode()
    counts = import_file(api, content, "skip_errors")
    verdict.counts["endless cells refused"] = counts["rejected"]
    verdict.require(counts["rejected"] == len(ENDLESS), f"endless cells: {counts}")
    for value in ENDLESS:
        answer = api.post(
            "/api/v1/budgets",
            headers={"Idempotency-Key": uuid4().hex},
            json={"department": f"Endless {value}", "fiscal_period": "FY2025", "currency": "USD",
                  "budgeted_amount": value},
        )  # fmt: skip
        verdict.counts["endless fields refused"] += answer.status_code == 422
        verdict.require(answer.status_code == 422, f"{value} as a field: {answer.status_code}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--values", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=now_seed())
    options = parser.parse_args()
    verdict = Verdict("11 money is exact", options.seed)
    verdict.counts["values"] = options.values
    wanted = amounts_of(options.values, options.seed)
    with running() as stack:
        first, api = stack.tenant("First", tuple(PLACES))
        second, other = stack.tenant("Second", tuple(PLACES))
        import_file(api, table_of(wanted))
        differences(verdict, "the tables", wanted, in_tables(stack, first))
        answered = in_answers(api)
        differences(verdict, "the answers", wanted, answered)
        import_file(other, table_of(answered))
        differences(verdict, "the second tables", wanted, in_tables(stack, second))
        refuse_endless(verdict, other)
    verdict.close()


if __name__ == "__main__":
    main()
