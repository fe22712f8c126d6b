"""Seals: a signed root over the heads of all accounts, chained to the seal before.

An entry that was sealed cannot be changed, removed or cut off without the seal telling, and seals
cannot be made anew without the key, which never lies readable in the database. A copy of the newest
seal that is kept elsewhere tells too when seals themselves are cut off.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from bursar.jobs.lease import Lease
from bursar.paging import Page, page
from bursar.proof import merkle, signing
from schema.tables import LedgerSeal

KIND = "ledger.seal"
Head = tuple[UUID, int, bytes]

# Heads only go forward: of an account that lost entries the seal keeps what it had, and one that
# does not prove is not sealed in that state.
_NEW_HEADS = text(
    """
    insert into ledger_seal_head (tenant_id, account_id, no, seq, hash)
    select a.tenant_id, a.id, :no, a.entry_seq, a.head_hash
      from budget_account a
      left join ledger_sealed(:tenant, null) s on s.account_id = a.id
     where a.tenant_id = :tenant and a.frozen_for is null and a.head_hash is not null
       and a.entry_seq > coalesce(s.seq, 0)
    """
)
_HEADS = text(
    "select account_id, seq, hash from ledger_sealed(:tenant, null) order by account_id"
).execution_options(stream_results=True, yield_per=5_000)


def make_seal(session: Session, tenant_id: UUID, actor: str) -> LedgerSeal:
    """Seal the heads of all accounts of a tenant as they are. Raises SigningUnavailable."""
    session.execute(
        text("select pg_advisory_xact_lock(hashtextextended(:name, 0))"),
        {"name": f"seal:{tenant_id}"},
    )
    previous = newest_seal(session)
    no = previous.no + 1 if previous else 1
    session.execute(_NEW_HEADS, {"tenant": tenant_id, "no": no})
    leaves = [merkle.leaf(*head) for head in heads(session, tenant_id)]
    moment, top = datetime.now(UTC), merkle.root(leaves)
    statement = json.dumps(
        {
            "tenant": str(tenant_id), "no": no, "sealed_at": moment.isoformat(),
            "accounts": len(leaves), "root": top.hex(),
            "previous": link(previous.statement, previous.signature) if previous else None,
        }, sort_keys=True,
    )  # fmt: skip
    key_id, signature = signing.sign(session, statement.encode())
    seal = LedgerSeal(
        tenant_id=tenant_id, no=no, statement=statement, root=top, accounts=len(leaves),
        signature=signature, signing_key_id=key_id, created_by=actor, sealed_at=moment,
    )  # fmt: skip
    session.add(seal)
    session.flush()
    session.execute(
        text(
            "insert into ledger_watch (tenant_id, sealed_at) values (:tenant, :moment)"
            " on conflict (tenant_id) do update set sealed_at = excluded.sealed_at"
        ),
        {"tenant": tenant_id, "moment": moment},
    )
    return seal


def run(lease: Lease) -> None:
    """The job: seal, and say which seal it was."""
    with lease.transaction() as session:
        seal = make_seal(session, lease.tenant_id, lease.actor)
        lease.result = {"no": seal.no, "accounts": seal.accounts, "root": seal.root.hex()}
        lease.end(session, "succeeded")


def heads(session: Session, tenant_id: UUID) -> Iterator[Head]:
    """The newest sealed head of each account, in the order of their ids."""
    for row in session.execute(_HEADS, {"tenant": tenant_id}):
        yield row.account_id, row.seq, row.hash


def newest_seal(session: Session) -> LedgerSeal | None:
    """The last seal of the tenant."""
    return session.execute(select(LedgerSeal).order_by(LedgerSeal.no.desc()).limit(1)).scalar()


def all_seals(session: Session) -> list[LedgerSeal]:
    """Every seal of the tenant, oldest first."""
    return list(session.execute(select(LedgerSeal).order_by(LedgerSeal.no)).scalars())


def list_seals(session: Session, *, limit: int = 50, cursor: str | None = None) -> Page:
    """A page of seals, newest first."""
    columns = LedgerSeal.__table__.c
    found = page(
        session, select(LedgerSeal), columns={"no": columns.no}, key=columns.no, sort="-no",
        limit=limit, cursor=cursor,
    )  # fmt: skip
    return Page([row.LedgerSeal for row in found.rows], found.next_cursor)


def link(statement: str, signature: bytes) -> str:
    """What the seal after this one says of it."""
    return hashlib.sha256(statement.encode() + signature).hexdigest()


def check_seals(session: Session, tenant_id: UUID) -> list[str]:
    """What does not hold about a tenant's seals, in words; the entries are examined elsewhere."""
    keys = {key.id: key.public_key for key in signing.public_keys(session)}
    sealed = all_seals(session)
    told = [(one.statement, one.signature, keys.get(one.signing_key_id, b"")) for one in sealed]
    wrong = broken_chain(tenant_id, told)
    if sealed:
        top = merkle.root([merkle.leaf(*head) for head in heads(session, tenant_id)])
        if json.loads(sealed[-1].statement)["root"] != top.hex():
            wrong.append(f"the heads under seal {sealed[-1].no} are not those that were sealed")
    return wrong


def held_against(session: Session, kept: str) -> list[str]:
    """What is wrong with the seals beside the statement of one that was kept elsewhere."""
    try:
        no = int(json.loads(kept)["no"])
    except (ValueError, KeyError, TypeError):
        return ["what was kept is no statement of a seal"]
    found = session.execute(select(LedgerSeal.statement).where(LedgerSeal.no == no)).scalar()
    if found is None:
        return [f"seal {no}, which was kept elsewhere, is gone"]
    return [] if found == kept else [f"seal {no} is not the one that was kept elsewhere"]


def broken_chain(tenant_id: UUID, told: Iterable[tuple[str, bytes, bytes]]) -> list[str]:
    """What is wrong with seals, each its statement, signature and public key, oldest first."""
    wrong, previous = [], None
    for no, (statement, signature, public_key) in enumerate(told, start=1):
        if not signing.is_signed(public_key, signature, statement.encode()):
            wrong.append(f"seal {no} does not have the signature of its key")
            previous = link(statement, signature)
            continue
        says = json.loads(statement)
        if says["no"] != no or says["tenant"] != str(tenant_id) or says["previous"] != previous:
            wrong.append(f"seal {no} does not follow from the seal before it")
        previous = link(statement, signature)
    return wrong
