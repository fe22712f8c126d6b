"""Walking the chains of an evidence pack: the same rules as the database's own walk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bursar.proof.entry_hash import entry_hash

_COUNTERS = ("authorized", "reserved", "committed", "spent")


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that does not hold: of an account and an entry, or of the whole pack."""

    account_id: str | None
    seq: int | None
    what: str

    def __str__(self) -> str:
        """In words."""
        place = "" if self.account_id is None else f"account {self.account_id}: "
        entry = "" if self.seq is None else f"entry {self.seq} "
        return f"{place}{entry}{self.what}"


class Chains:
    """Takes entries by account and number, and finds the first of each account that does not fit.

    `heads` are the accounts as they were, `sealed` the heads under the newest seal, as number and
    hash.
    """

    def __init__(
        self,
        tenant_id: str,
        heads: Mapping[str, Mapping[str, Any]],
        sealed: Mapping[str, tuple[int, str]],
        acknowledged: Iterable[Mapping[str, Any]],
    ) -> None:
        self.entries = 0
        self._tenant_id, self._heads, self._sealed = tenant_id, heads, sealed
        self._acknowledged = {
            (one["account_id"], one["seq"], one["before_seq"], one["hash"], one["expected"])
            for one in acknowledged
        }
        self._found: dict[str, Finding] = {}
        self._done: set[str] = set()
        self._start(None)

    def _start(self, account_id: str | None) -> None:
        self._account_id, self._seq, self._hash = account_id, 0, b""
        self._folded = dict.fromkeys(_COUNTERS, Decimal(0))
        self._reaches_seal = account_id not in self._sealed

    def take(self, entry: Mapping[str, Any]) -> None:
        """The next entry."""
        account_id, seq = entry["account_id"], entry["seq"]
        if account_id != self._account_id:
            self._end()
            if account_id in self._done:
                self._note(account_id, seq, "is not in its place")
            self._start(account_id)
        self.entries += 1
        expected = entry_hash(self._hash, self._tenant_id, entry).hex()
        known = (account_id, seq, self._seq, entry["hash"], expected)
        if (seq != self._seq + 1 or entry["hash"] != expected) and known not in self._acknowledged:
            if seq > self._seq + 1:
                self._note(account_id, self._seq + 1, "is missing")
            elif seq <= self._seq:
                self._note(account_id, seq, "was added, or is not in its place")
            else:
                self._note(account_id, seq, "was changed: it does not fit its chain")
        if (seq, entry["hash"]) == self._sealed.get(account_id):
            self._reaches_seal = True
        self._fold(entry["from_bucket"], entry["to_bucket"], Decimal(entry["amount"]))
        self._seq, self._hash = seq, bytes.fromhex(entry["hash"])

    def close(self) -> list[Finding]:
        """All that was found, with accounts that have lost every entry."""
        self._end()
        for account_id, head in self._heads.items():
            if account_id not in self._done:
                self._start(account_id)
                self._end()
                if head["entry_seq"] > 0:
                    self._note(account_id, 1, "is missing")
        return list(self._found.values())

    def _fold(self, source: str, goal: str, amount: Decimal) -> None:
        for bucket, moved in ((goal, amount), (source, -amount)):
            if bucket == "external":
                self._folded["authorized"] -= moved
            elif bucket in self._folded:
                self._folded[bucket] += moved

    def _end(self) -> None:
        """Hold what an account's entries came to against its head and the seal."""
        account_id = self._account_id
        if account_id is None:
            return
        self._done.add(account_id)
        head = self._heads.get(account_id)
        if head is None:
            self._note(account_id, self._seq, "belongs to no account of the pack")
            return
        if self._seq < head["entry_seq"]:
            self._note(account_id, self._seq + 1, "is missing")
        elif self._seq > head["entry_seq"]:
            self._note(account_id, head["entry_seq"] + 1, "was added past the ledger")
        elif self._seq and self._hash.hex() != head["head_hash"]:
            self._note(account_id, self._seq, "was changed: the account has another head")
        if not self._reaches_seal:
            seq, sealed = self._sealed[account_id]
            if (account_id, seq, seq, sealed, None) not in self._acknowledged:
                gone = seq > self._seq
                self._note(
                    account_id, self._seq + 1 if gone else seq,
                    "was cut off after it was sealed" if gone else "is not the one that was sealed",
                )  # fmt: skip
        if any(self._folded[name] != Decimal(head[name]) for name in _COUNTERS):
            self._note(account_id, None, "its counters are not what its entries add up to")

    def _note(self, account_id: str, seq: int | None, what: str) -> None:
        """The first of an account is named: all that follow from it would be named too."""
        self._found.setdefault(account_id, Finding(account_id, seq, what))
