"""Proving the ledger over the API: reconcile everything, mend, seal, and take evidence away."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, g, jsonify
from flask_openapi3 import APIBlueprint, Tag
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from bursar.budgets.balances import get_balance
from bursar.proof import reconcile_all, seals, signing, standing
from bursar.proof.evidence import pack_blocks
from bursar.proof.fixing import fix_discrepancy
from schema.tables import LedgerRepair, LedgerSeal
from web import idempotency
from web.api.reservations_wire import Reason
from web.api.wire import BudgetPath, ListQuery, Model, Out, problems, time_text
from web.auth import ADMIN, AUDIT, READ, principal, require, transaction
from web.downloads import streamed
from web.jobs import announce

api = APIBlueprint("proof", __name__, url_prefix="/api/v1", abp_tags=[Tag(name="Proof")])


class QueuedOut(Out):
    """A job that was queued, or one that did the same already."""

    job_id: UUID
    state: str


class ProofOut(Out):
    """When the ledger was last proven, walked whole, reconciled and sealed."""

    proven_at: str | None
    unproven_entries: int = Field(description="Entries that the proof has still to come to.")
    walked_at: str | None = Field(description="When every chain was last walked from its start.")
    frozen_accounts: int
    reconciled_at: str | None
    reconciled: dict[str, Any] | None = Field(description="What the last reconciliation found.")
    sealed_at: str | None


class FixIn(Model):
    """Why a budget is repaired."""

    reason: Reason


class RepairOut(Out):
    """What was done to one account: `rebuilt` counters, or `corrected` by entries."""

    id: UUID
    outcome: str
    entries: int
    before: dict[str, Any]
    after: dict[str, Any]


class FixOut(Out):
    """What was done; nothing, where nothing was wrong."""

    budget_id: UUID
    repairs: list[RepairOut]


class SealOut(Out):
    """A signed statement over the heads of all accounts; keep the newest elsewhere."""

    no: int
    sealed_at: str
    accounts: int
    root: str
    statement: str
    signature: str
    signing_key_id: UUID
    created_by: str


class SealPage(Out):
    """A page of seals, newest first."""

    data: list[SealOut]
    next_cursor: str | None


class KeyOut(Out):
    """The public half of a signing key (Ed25519), in hex."""

    id: UUID
    public_key: str
    fingerprint: str
    created_at: str


class KeyList(Out):
    """The installation's signing keys, oldest first."""

    data: list[KeyOut]


class EvidenceQuery(BaseModel):
    """Which entries."""

    budget_id: UUID | None = Field(None, description="Only this budget; without it, all.")


@api.post("/reconcile", responses={"202": QueuedOut, **problems(400)})
@require(ADMIN)
def reconcile_everything() -> Response:
    """Reconcile all budgets and walk every chain, as a job whose result is the summary."""
    who = principal()

    def work(session: Session) -> idempotency.Answer:
        bell = reconcile_all.start(
            session, who.tenant_id, reconcile_all.KIND, who.actor, g.request_id
        )
        return idempotency.Answer(
            202, {"job_id": str(bell.job_id), "state": "queued"},
            {"Location": f"/api/v1/jobs/{bell.job_id}"}, after_commit=lambda: announce(bell),
        )  # fmt: skip

    return idempotency.once(work, None)


@api.get("/proof", responses={"200": ProofOut, **problems()})
@require(READ)
def proof() -> Response:
    """When the ledger was last proven, reconciled and sealed, and what was found."""
    with transaction() as session:
        watch = standing.of_tenant(session)
    return jsonify(
        proven_at=time_text(watch.proven_at),
        unproven_entries=watch.unproven,
        walked_at=time_text(watch.walked_at),
        frozen_accounts=watch.frozen,
        reconciled_at=time_text(watch.reconciled_at),
        reconciled=watch.reconciled,
        sealed_at=time_text(watch.sealed_at),
    )


@api.post("/budgets/<budget_id>/fix-discrepancy", responses={"200": FixOut, **problems(400, 404)})
@require(ADMIN)
def fix(path: BudgetPath, body: FixIn) -> Response:
    """Mend a budget that does not prove: counters from its entries, or entries to fit them."""
    who = principal()

    def work(session: Session) -> idempotency.Answer:
        done = fix_discrepancy(session, who.tenant_id, path.budget_id, body.reason, who.actor)
        told = {"budget_id": str(path.budget_id), "repairs": [_repair_wire(one) for one in done]}
        return idempotency.Answer(200, told)

    return idempotency.once(work, body.model_dump())


def _repair_wire(repair: LedgerRepair) -> dict[str, Any]:
    plain = ("outcome", "entries", "before", "after")
    return {"id": str(repair.id), **{name: getattr(repair, name) for name in plain}}


@api.get("/seals", responses={"200": SealPage, **problems()})
@require(READ)
def list_seals(query: ListQuery) -> Response:
    """List seals, newest first."""
    with transaction() as session:
        found = seals.list_seals(session, limit=query.limit, cursor=query.cursor)
    return jsonify(data=[_seal_wire(one) for one in found.rows], next_cursor=found.next_cursor)


@api.post("/seals", responses={"201": SealOut, **problems(400, 409)})
@require(ADMIN)
def seal() -> Response:
    """Seal the heads of all accounts as they are now."""
    who = principal()

    def work(session: Session) -> idempotency.Answer:
        return idempotency.Answer(
            201, _seal_wire(seals.make_seal(session, who.tenant_id, who.actor))
        )

    return idempotency.once(work, None)


def _seal_wire(one: LedgerSeal) -> dict[str, Any]:
    return {
        "no": one.no,
        "sealed_at": time_text(one.sealed_at),
        "accounts": one.accounts,
        "root": one.root.hex(),
        "statement": one.statement,
        "signature": one.signature.hex(),
        "signing_key_id": str(one.signing_key_id),
        "created_by": one.created_by,
    }


@api.get("/signing-keys", responses={"200": KeyList, **problems()})
@require(READ)
def signing_keys() -> Response:
    """The public keys that seals and evidence packs are signed with."""
    with transaction() as session:
        found = signing.public_keys(session)
    data = [
        {
            "id": str(key.id),
            "public_key": key.public_key.hex(),
            "fingerprint": signing.fingerprint(key.public_key),
            "created_at": time_text(key.created_at),
        }
        for key in found
    ]
    return jsonify(data=data)


@api.get("/evidence", responses={"200": None, **problems(404, 409)})
@require(AUDIT)
def evidence(query: EvidenceQuery) -> Response:
    """Download entries, heads, seals and keys as a signed pack that `bursar verify` checks."""
    who = principal()
    if query.budget_id is not None:
        with transaction() as session:
            get_balance(session, query.budget_id, deleted=True)
    return streamed(
        lambda session: pack_blocks(session, who.tenant_id, query.budget_id, who.actor),
        "application/zip",
        "evidence.zip",
    )
