"""Entries of the past: what the ledger's own functions, which take the present, cannot make."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import psycopg

_POST = """
with counted as (
  update budget_account set
    authorized = authorized + %(a)s * ((%(f)s = 'external')::int - (%(t)s = 'external')::int),
    reserved = reserved + %(a)s * ((%(t)s = 'reserved')::int - (%(f)s = 'reserved')::int),
    committed = committed + %(a)s * ((%(t)s = 'committed')::int - (%(f)s = 'committed')::int),
    spent = spent + %(a)s * ((%(t)s = 'spent')::int - (%(f)s = 'spent')::int),
    entry_seq = entry_seq + 1
   where budget_id = %(budget)s
  returning tenant_id, id, entry_seq
)
insert into ledger_entry (tenant_id, account_id, seq, recorded_at, effective_at, kind, from_bucket,
                          to_bucket, amount, ref_type, ref_id, actor, hash)
select tenant_id, id, entry_seq, %(recorded)s, %(effective)s, %(kind)s, %(f)s, %(t)s, %(a)s,
       'test', %(ref)s, 'test', '' from counted
"""
MOVES = {
    "fund": ("external", "available"),
    "adjust": ("available", "external"),
    "reserve": ("available", "reserved"),
    "commit": ("reserved", "committed"),
    "charge": ("reserved", "spent"),
    "release": ("reserved", "available"),
    "refund": ("spent", "available"),
    "carry_in": ("external", "reserved"),
}


class Past(NamedTuple):
    """Posts into the past of a budget, counters included, past the ledger's functions."""

    superuser: psycopg.Connection

    def post(
        self,
        budget: UUID,
        kind: str,
        amount: str,
        recorded: datetime,
        effective: datetime | None = None,
        ref: str = "r",
    ) -> None:
        source, target = MOVES[kind]
        names = {
            "budget": budget, "kind": kind, "f": source, "t": target, "a": amount, "ref": ref,
            "recorded": recorded, "effective": effective or recorded,
        }  # fmt: skip
        self.superuser.execute(_POST.replace("%(a)s", "%(a)s::numeric"), names)
        self.superuser.commit()

    def backdate(self, budget: UUID, moment: datetime) -> None:
        """Let everything that was posted so far have happened at this moment."""
        with self.superuser.transaction():
            self.superuser.execute("set local session_replication_role = replica")
            self.superuser.execute(
                "update ledger_entry set recorded_at = %(m)s, effective_at = %(m)s where account_id"
                " in (select id from budget_account where budget_id = %(b)s)",
                {"m": moment, "b": budget},
            )
        self.superuser.commit()
