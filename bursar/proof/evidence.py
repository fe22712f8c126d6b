"""Evidence packs: entries, heads, seals and a signature in one file that proves itself anywhere."""

from __future__ import annotations

import hashlib
import json
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import IO, Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from bursar.ledger.entries import accounts_of
from bursar.proof import merkle, seals, signing
from bursar.reports.budgets import stream_rows
from schema.tables import LedgerAcknowledgement, LedgerSeal

FORMAT = "bursar-evidence-1"
MANIFEST, SIGNATURE = "manifest.json", "manifest.sig.json"
_BLOCK = 64 * 1024

README = """Evidence of a ledger, made by Bursar.

  bursar verify FILE                      checks this file; needs no database and no network
  bursar verify FILE --key HEX            and that it was signed with the key that you know

entries.ndjson           every entry, by account and number; each hash covers the entry and the hash
                         before it
heads.ndjson             every account with its counters, its last number and its last hash
seals.ndjson             signed statements over all heads, each chained to the one before
sealed_heads.ndjson      the heads under the newest seal, or one head with its path to the root
acknowledgements.ndjson  breaks of chains that were repaired on record
keys.json                the public keys
manifest.json            the hash of each file above; manifest.sig.json is its signature (Ed25519)
"""

# One statement, so that entries and heads are of one moment. `entry_seq` is null where an account
# has no entries.
_ENTRIES = """
select a.id as account, a.budget_id, a.currency::text as currency, a.entry_seq, a.head_hash,
       a.authorized, a.reserved, a.committed, a.spent, a.closed_at,
       e.seq, e.kind::text as kind, e.from_bucket::text as from_bucket,
       e.to_bucket::text as to_bucket, e.amount, e.ref_type, e.ref_id, e.import_id, e.actor,
       e.reason, e.effective_at, e.recorded_at, e.hash
  from budget_account a
  left join ledger_entry e on e.tenant_id = a.tenant_id and e.account_id = a.id
 where a.tenant_id = %s and (%s::uuid is null
       or a.id = any (array(select budget_accounts(a.tenant_id, %s::uuid))))
 order by a.id, e.seq
"""


class _Sink:
    """What a streamed archive is written to: keeps bytes until they are fetched."""

    def __init__(self) -> None:
        self._kept: list[bytes] = []
        self.size = 0

    def write(self, block: bytes) -> int:
        """Keep a block."""
        self._kept.append(bytes(block))
        self.size += len(block)
        return len(block)

    def flush(self) -> None:
        """Nothing waits behind this."""

    def fetch(self) -> bytes:
        """What was written since the last time."""
        block = b"".join(self._kept)
        self._kept, self.size = [], 0
        return block


@dataclass
class _Pack:
    """An archive while it is written, with the hash of each file so far."""

    sink: _Sink
    archive: zipfile.ZipFile
    files: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, name: str, lines: Iterable[str]) -> Iterator[bytes]:
        """Write a file of lines, giving out what is ready."""
        digest, count = hashlib.sha256(), 0
        with self.archive.open(name, "w", force_zip64=True) as target:
            waiting: list[str] = []
            for line in lines:
                waiting.append(line)
                count += 1
                if len(waiting) >= 500:
                    _write(target, digest, waiting)
                    waiting = []
                    if self.sink.size >= _BLOCK:
                        yield self.sink.fetch()
            _write(target, digest, waiting)
        self.files[name] = {"sha256": digest.hexdigest(), "lines": count}


def _write(target: IO[bytes], digest: Any, lines: list[str]) -> None:
    block = "".join(f"{line}\n" for line in lines).encode()
    digest.update(block)
    target.write(block)


def pack_blocks(
    session: Session, tenant_id: UUID, budget_id: UUID | None, actor: str
) -> Iterator[bytes]:
    """The bytes of a pack, of one budget or of all, made while they are read.

    Raises SigningUnavailable, at once, where nothing can be signed.
    """
    key_id, _ = signing.sign(session, b"")  # or say now that it cannot be
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:  # type: ignore[call-overload]
        pack = _Pack(sink, archive)
        yield from pack.add("README.txt", README.splitlines())
        keys = [
            {"id": str(key.id), "public_key": key.public_key.hex()}
            for key in signing.public_keys(session)
        ]
        yield from pack.add("keys.json", [json.dumps(keys)])
        sealed = seals.all_seals(session)
        yield from pack.add("seals.ndjson", map(_seal_line, sealed))
        yield from pack.add("sealed_heads.ndjson", _sealed_lines(session, tenant_id, budget_id))
        yield from pack.add("acknowledgements.ndjson", _acknowledged(session, budget_id))
        with tempfile.TemporaryFile("w+", encoding="utf-8") as heads:
            entries = _entry_lines(session, tenant_id, budget_id, heads)
            yield from pack.add("entries.ndjson", entries)
            heads.seek(0)
            yield from pack.add("heads.ndjson", (line.rstrip("\n") for line in heads))
        manifest = json.dumps(
            {
                "format": FORMAT, "tenant": str(tenant_id), "made_by": actor,
                "budget": str(budget_id) if budget_id else None,
                "made_at": datetime.now(UTC).isoformat(), "files": dict(pack.files),
            }, indent=1,
        )  # fmt: skip
        yield from pack.add(MANIFEST, manifest.splitlines())
        key_id, signature = signing.sign(session, f"{manifest}\n".encode())
        signed = {"key": str(key_id), "signature": signature.hex()}
        yield from pack.add(SIGNATURE, [json.dumps(signed)])
    yield sink.fetch()


def _seal_line(seal: LedgerSeal) -> str:
    return json.dumps(
        {
            "statement": seal.statement, "signature": seal.signature.hex(),
            "key": str(seal.signing_key_id),
        }
    )  # fmt: skip


def _sealed_lines(session: Session, tenant_id: UUID, budget_id: UUID | None) -> Iterator[str]:
    """All sealed heads; of one budget only its own, each with its path to the root."""
    if budget_id is None:
        for account_id, seq, head in seals.heads(session, tenant_id):
            yield json.dumps({"account_id": str(account_id), "seq": seq, "hash": head.hex()})
        return
    own = set(accounts_of(session, budget_id))
    everything = list(seals.heads(session, tenant_id))
    leaves = [merkle.leaf(*one) for one in everything]
    for index, (account_id, seq, head) in enumerate(everything):
        if account_id in own:
            steps = [[is_left, beside.hex()] for is_left, beside in merkle.path(leaves, index)]
            told = {"account_id": str(account_id), "seq": seq, "hash": head.hex(), "path": steps}
            yield json.dumps(told)


def _acknowledged(session: Session, budget_id: UUID | None) -> Iterator[str]:
    query = select(LedgerAcknowledgement).order_by(LedgerAcknowledgement.id)
    if budget_id is not None:
        own = accounts_of(session, budget_id)
        query = query.where(LedgerAcknowledgement.account_id.in_(own))
    for one in session.execute(query).scalars():
        yield json.dumps(
            {
                "account_id": str(one.account_id), "seq": one.seq, "before_seq": one.before_seq,
                "hash": one.hash.hex(), "expected": one.expected.hex() if one.expected else None,
                "repair": str(one.repair_id),
            }
        )  # fmt: skip


def _entry_lines(
    session: Session, tenant_id: UUID, budget_id: UUID | None, heads: IO[str]
) -> Iterator[str]:
    """All entries, by account and number; the head of each account is written to `heads`."""
    before = None
    for row in stream_rows(session, _ENTRIES, (tenant_id, budget_id, budget_id)):
        if row.account != before:
            before = row.account
            heads.write(json.dumps(_head(row)) + "\n")
        if row.seq is not None:
            yield json.dumps(_entry(row), ensure_ascii=False)


def _head(row: Any) -> dict[str, Any]:
    return {
        "account_id": str(row.account), "budget_id": str(row.budget_id), "currency": row.currency,
        "entry_seq": row.entry_seq, "head_hash": row.head_hash.hex() if row.head_hash else None,
        **{name: str(getattr(row, name)) for name in ("authorized", "reserved", "committed",
                                                      "spent")},
        "closed_at": row.closed_at.isoformat() if row.closed_at else None,
    }  # fmt: skip


def _entry(row: Any) -> dict[str, Any]:
    return {
        "account_id": str(row.account), "seq": row.seq, "kind": row.kind,
        "from_bucket": row.from_bucket, "to_bucket": row.to_bucket, "amount": str(row.amount),
        "ref_type": row.ref_type, "ref_id": row.ref_id,
        "import_id": str(row.import_id) if row.import_id else None, "actor": row.actor,
        "reason": row.reason, "effective_at": row.effective_at.astimezone(UTC).isoformat(),
        "recorded_at": row.recorded_at.astimezone(UTC).isoformat(), "hash": row.hash.hex(),
    }  # fmt: skip
