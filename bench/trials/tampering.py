"""Promise 9: tampering is detected, in the database and in evidence packs taken from it.

As a superuser past every trigger, entries are edited, deleted, moved, added and cut off at random,
each on an account of its own: some with the hash of the entry made anew, tails also with counters,
head and proven state set back, which only the seal tells. Every one has to be named by account and
number, and no other account. Then packs are tampered with in the same ways.

usage: python -m bench.trials.tampering [--tamperings 200] [--packs 100] [--seed N]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import tempfile
import zipfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
from cryptography.fernet import Fernet

from bench.stack import BenchStack, database_only
from bench.trials.races import make_budget
from bench.trials.verdict import Verdict, now_seed, quietly
from bursar.database import Database
from bursar.ledger import operations
from bursar.proof.evidence import pack_blocks
from bursar.proof.evidence_check import check_pack
from bursar.proof.reconcile import broken_accounts
from bursar.proof.rounds import prove
from bursar.proof.seals import make_seal

ENTRIES = 12
# The hash of an entry made anew, as somebody would who knows how.
REHASH = """
update ledger_entry e set hash = ledger_entry_hash(
  (select p.hash from ledger_entry p where p.account_id = e.account_id and p.seq = e.seq - 1),
  e.tenant_id, e.account_id, e.seq, e.kind, e.from_bucket, e.to_bucket, e.amount, e.ref_type,
  e.ref_id, e.import_id, e.actor, e.reason, e.effective_at, e.recorded_at)
 where e.account_id = %(a)s and e.seq = %(n)s
"""
HEAD_BACK = """
update budget_account a set entry_seq = e.seq, head_hash = e.hash, reserved = 0, spent = 0
  from ledger_entry e where a.id = %(a)s and e.account_id = a.id and e.seq = %(n)s;
update budget_account a set reserved = f.reserved, spent = f.spent, authorized = f.authorized
  from ledger_folded((select tenant_id from budget_account where id = %(a)s),
                     array[%(a)s]::uuid[]) f
 where a.id = %(a)s;
delete from ledger_proof where account_id = %(a)s
"""
EDITS = (
    "amount = amount + 0.01", "amount = amount * 2", "actor = 'somebody'", "reason = 'agreed'",
    "ref_id = 'other'", "effective_at = effective_at - interval '1 day'", "kind = 'adjust'",
    "from_bucket = 'external'", "hash = sha256(hash)", "seq = seq + 1000",
    "import_id = gen_random_uuid()", "recorded_at = recorded_at - interval '1 microsecond'",
)  # fmt: skip
Rows = list[dict[str, Any]]


def tamper(admin: psycopg.Connection, account: UUID, how: str, chance: random.Random) -> int:
    """Do it, and say the number that has to be named."""
    n = chance.randint(2, ENTRIES - 1)
    names = {"a": account, "n": n}

    def run(statements: str, **more: object) -> None:
        for statement in statements.split(";\n"):
            admin.execute(statement.encode(), {**names, **more})

    if how == "edit":
        what = chance.choice(EDITS)
        run(f"update ledger_entry set {what} where account_id = %(a)s and seq = %(n)s")
        return n
    if how == "edit and rehash":
        run("update ledger_entry set amount = amount + 1 where account_id = %(a)s and seq = %(n)s")
        run(REHASH)
        return n + 1
    if how == "delete":
        run("delete from ledger_entry where account_id = %(a)s and seq = %(n)s")
        return n
    if how == "reorder":
        run(
            "update ledger_entry e set amount = o.amount, ref_id = o.ref_id, kind = o.kind,"
            " from_bucket = o.from_bucket, to_bucket = o.to_bucket, hash = o.hash"
            " from ledger_entry o where e.account_id = %(a)s and o.account_id = %(a)s"
            " and e.seq in (%(n)s, %(n)s + 1) and o.seq = 2 * %(n)s + 1 - e.seq"
        )
        return n
    if how == "insert":
        run(
            "insert into ledger_entry select tenant_id, account_id, seq, now(), effective_at, kind,"
            " from_bucket, to_bucket, amount, ref_type, 'extra', import_id, actor, reason, hash"
            " from ledger_entry where account_id = %(a)s and seq = %(n)s"
        )
        return n
    run("delete from ledger_entry where account_id = %(a)s and seq > %(n)s")
    if how == "cut and set back":
        run(HEAD_BACK)
    return n + 1


WAYS = ("edit", "edit and rehash", "delete", "reorder", "insert", "cut", "cut and set back")


def filled(database: Database, tenant_id: UUID, budget: UUID) -> None:
    for n in range(ENTRIES // 2):
        ref = uuid4().hex
        operations.reserve(
            database, tenant_id, budget, Decimal(n + 1), "USD", ref_id=ref, actor="trial"
        )
        if n < ENTRIES // 2 - 1:
            operations.charge(database, tenant_id, ref, None, actor="trial")


def in_the_database(
    database: Database, admin_dsn: str, tenant_id: UUID, budgets: list[UUID], count: int,
    chance: random.Random, verdict: Verdict,
) -> None:  # fmt: skip
    """Tamper with `count` of the budgets, which are sealed, and see whom the walk names."""
    chosen = chance.sample(budgets, count)
    wanted: dict[UUID, int] = {}
    ways: dict[UUID, str] = {}
    with psycopg.connect(admin_dsn, autocommit=True) as admin:
        admin.execute("set session_replication_role = replica")
        for n, account in enumerate(chosen):
            ways[account] = WAYS[n % len(WAYS)]
            wanted[account] = tamper(admin, account, ways[account], chance)
            verdict.counts[ways[account].replace(" ", "_")] += 1
    with database.transaction(tenant_id) as session:
        found = {one.account_id: one.bad_seq for one in broken_accounts(session, tenant_id)}
    named = [account for account in chosen if found.get(account) == wanted[account]]
    for account in set(chosen) - set(named):
        verdict.require(
            False, f"{ways[account]} of {account}: {found.get(account)}, not {wanted[account]}"
        )
    verdict.require(set(found) <= set(chosen), f"{len(set(found) - set(chosen))} without cause")
    with database.transaction(tenant_id, "system") as session:
        frozen = {one.account_id for one in prove(session, tenant_id) if one.event == "frozen"}
    verdict.require(frozen == set(chosen), f"{len(frozen)} were frozen, not {count}")
    verdict.counts["tampered"], verdict.counts["named"] = count, len(named)


# Ways to change the entries of a pack, each with the number that has to be named.
def _changed(rows: Rows, n: int, chance: random.Random) -> int:
    name = chance.choice(("amount", "actor", "ref_id", "kind", "hash", "effective_at"))
    rows[n][name] = "00" * 32 if name == "hash" else "1970-01-01T00:00:00+00:00" if (
        name == "effective_at") else "7.0000"  # fmt: skip
    return int(rows[n]["seq"])


def _deleted(rows: Rows, n: int, _: random.Random) -> int:
    return int(rows.pop(n)["seq"])


def _added(rows: Rows, n: int, _: random.Random) -> int:
    rows.insert(n + 1, rows[n] | {"ref_id": "extra"})
    return int(rows[n]["seq"])


def _moved(rows: Rows, n: int, _: random.Random) -> int:
    rows[n], rows[n + 1] = rows[n + 1], rows[n]
    return int(rows[n + 1]["seq"])


def _cut(rows: Rows, n: int, _: random.Random) -> int:
    seq, account = int(rows[n]["seq"]), rows[n]["account_id"]
    rows[:] = [r for r in rows if r["account_id"] != account or r["seq"] < seq]
    return seq


IN_PACKS: dict[str, Callable[[Rows, int, random.Random], int]] = {
    "changed": _changed, "deleted": _deleted, "added": _added, "moved": _moved, "cut": _cut,
}  # fmt: skip


def rewritten(source: Path, target: Path, rows: Rows) -> None:
    """A pack with other entries, and everything else as it was."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            if name == "entries.ndjson":
                new.writestr(name, "".join(json.dumps(row) + "\n" for row in rows))
            else:
                new.writestr(name, old.read(name))


def in_packs(
    database: Database, tenant_id: UUID, folder: Path, count: int, chance: random.Random,
    verdict: Verdict,
) -> None:  # fmt: skip
    """Tamper with a pack of a sound ledger `count` times, and see what is named."""
    pack = folder / "pack.zip"
    with database.transaction(tenant_id, "trial") as session, pack.open("wb") as target:
        target.writelines(pack_blocks(session, tenant_id, None, "trial"))
    verdict.require(check_pack(pack).findings == [], "a sound pack does not hold")
    with zipfile.ZipFile(pack) as archive:
        lines = archive.read("entries.ndjson").splitlines()
    named = 0
    for turn in range(count):
        rows: Rows = [json.loads(line) for line in lines]
        inner = [n for n, row in enumerate(rows) if 1 < row["seq"] < ENTRIES - 1]
        way = list(IN_PACKS)[turn % len(IN_PACKS)]
        place = chance.choice(inner)
        account = rows[place]["account_id"]
        wanted = IN_PACKS[way](rows, place, chance)
        rewritten(pack, folder / "tampered.zip", rows)
        found = {f.account_id: f.seq for f in check_pack(folder / "tampered.zip").findings}
        # The file as a whole does not fit its signature either.
        right = found == {account: wanted, None: None}
        verdict.require(right, f"pack, {way}: {found}, not entry {wanted} of {account}")
        named += right
    verdict.counts["packs_tampered"], verdict.counts["packs_named"] = count, named


def try_all(
    database: Database, admin_dsn: str, tenant_id: UUID, budgets: list[UUID], tamperings: int,
    packs: int, folder: Path, chance: random.Random, verdict: Verdict,
) -> None:  # fmt: skip
    for budget in budgets:
        filled(database, tenant_id, budget)
    with database.transaction(tenant_id, "trial") as session:
        prove(session, tenant_id)
        make_seal(session, tenant_id, "trial")
    in_packs(database, tenant_id, folder, packs, chance, verdict)
    in_the_database(database, admin_dsn, tenant_id, budgets, tamperings, chance, verdict)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tamperings", type=int, default=200)
    parser.add_argument("--packs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=now_seed())
    options = parser.parse_args()
    quietly()
    os.environ["BURSAR_SECRETS_KEY"] = Fernet.generate_key().decode()
    chance = random.Random(options.seed)
    verdict = Verdict("9 tampering", options.seed)
    with database_only() as stack, tempfile.TemporaryDirectory() as folder:
        tenant_id, budgets = sealed_tenant(stack, options.tamperings * 5 // 4)
        try_all(
            stack.database, stack.admin, tenant_id, budgets, options.tamperings, options.packs,
            Path(folder), chance, verdict,
        )  # fmt: skip
    verdict.close()


def sealed_tenant(stack: BenchStack, count: int) -> tuple[UUID, list[UUID]]:
    tenant_id, _ = stack.tenant("Tampered")
    return tenant_id, [make_budget(stack, tenant_id, f"T{n}", 1_000) for n in range(count)]


if __name__ == "__main__":
    main()
