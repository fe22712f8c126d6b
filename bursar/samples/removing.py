"""Removing sample data: holds are released, budgets deleted, alerts resolved; entries stay."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import func, select, tuple_, update
from sqlalchemy.orm import Session

from bursar import alerts
from bursar.budgets import control, editing
from bursar.errors import (
    BudgetInUse,
    Conflict,
    InvalidImportState,
    JobNotCancellable,
    NotFound,
    SamplesAbsent,
    Transient,
)
from bursar.importing import runs
from bursar.jobs import rows as jobs
from bursar.jobs.lease import Lease
from bursar.ledger import operations
from bursar.samples.standing import REMOVE, SOURCE, forget, note, standing
from bursar.telling import tell_noted
from schema.tables import Alert, Budget, BudgetAccount, Hold, ImportRun

_AT_ONCE = 500
_TRIES = 3


def request_removal(
    session: Session, tenant_id: UUID, actor: str, request_id: str | None = None
) -> jobs.Bell:
    """Queue the removal, and stop the loading where it still goes on.

    Where it waits or works already, that job's bell. Ring it after the commit. Raises
    SamplesAbsent.
    """
    found = standing(session)
    if found is None:
        raise SamplesAbsent
    if found.state == "leaving":
        job = jobs.get_job(session, found.job_id)
        return jobs.Bell(tenant_id, job.id, job.kind, job.queue)
    if found.state == "arriving":
        with suppress(InvalidImportState):
            runs.cancel(session, found.import_id)
        with suppress(JobNotCancellable):
            jobs.cancel(session, found.job_id)
    payload = {"import_id": str(found.import_id)}
    bell = jobs.enqueue(session, tenant_id, REMOVE, payload, actor=actor, request_id=request_id)
    note(session, found.import_id, bell.job_id)
    return bell


def remove_samples(lease: Lease) -> None:
    """The work of a job of kind `samples.remove`: take away what an import of samples brought.

    What people did with a sample budget goes with it; a budget that an import of their own took
    over is theirs. A second run finds nothing to do.
    """
    import_id = UUID(lease.payload["import_id"])
    with lease.transaction() as session:
        found = standing(session)
        if found is None or found.import_id != import_id:
            return
        if runs.get_run(session, import_id).state not in runs.ENDED:
            raise Transient("The sample data is still on its way; it is removed when it is there.")
        budget_ids = _alive(session, _sample_budgets(session, import_id))
    for place, budget_id in enumerate(budget_ids):
        lease.progress(place, len(budget_ids), "removing")
        lease.checkpoint()
        _take_away(lease, budget_id)
    lease.progress(len(budget_ids), len(budget_ids), "removed")
    with lease.transaction() as session:
        # What was noted is told first, so that nothing is told of these budgets afterwards.
        tell_noted(session, lease.tenant_id)
        _resolve_alerts(session, _sample_budgets(session, import_id), lease.actor)
        _undone(session, import_id, len(budget_ids), lease.actor)
        forget(session, import_id)
        lease.result = {"removed": len(budget_ids)}
        lease.end(session, "succeeded")


def _sample_budgets(session: Session, import_id: UUID) -> list[UUID]:
    """The budgets that the import made, and those that carry them on in later periods."""
    first = select(Budget.id).where(Budget.import_id == import_id, Budget.source == SOURCE)
    found = list(session.execute(first.order_by(Budget.id)).scalars())
    before = found
    while before:
        accounts = select(BudgetAccount.id).where(BudgetAccount.budget_id.in_(before))
        later = (
            select(Budget.id)
            .join(BudgetAccount, BudgetAccount.budget_id == Budget.id)
            .where(BudgetAccount.follows.in_(accounts), Budget.import_id.is_(None))
            .where(Budget.id.not_in(found))
            .order_by(Budget.id)
        )
        before = list(session.execute(later.distinct()).scalars())
        found += before
    return found


def _alive(session: Session, budget_ids: list[UUID]) -> list[UUID]:
    alive = select(Budget.id).where(Budget.id.in_(budget_ids), Budget.deleted_at.is_(None))
    return list(session.execute(alive.order_by(Budget.id)).scalars())


def _take_away(lease: Lease, budget_id: UUID) -> None:
    """Set a budget apart, release what it holds, and delete it."""
    for left in reversed(range(_TRIES)):
        with lease.transaction() as session:
            _set_apart(session, lease.tenant_id, budget_id, lease.actor)
            lease.hold(session)
        _release(lease, budget_id)
        with lease.transaction() as session:
            gone = _delete(session, budget_id, whatever=left == 0)
            lease.hold(session)
        if gone:
            return


def _set_apart(session: Session, tenant_id: UUID, budget_id: UUID, actor: str) -> None:
    """Thaw a budget, so that its holds can end, and take it out of any tree of budgets."""
    with suppress(NotFound):  # gone already, or without an open account
        budget = editing.lock_budget(session, budget_id)
        if budget.status != "active":
            changes = {"status": "active"}
            editing.edit_budget(session, tenant_id, budget_id, budget.row_version, changes, actor)
        below = select(Budget).where(Budget.parent_id == budget_id, Budget.deleted_at.is_(None))
        related = [budget] if budget.parent_id is not None else []
        for one in (*related, *session.execute(below).scalars()):
            session.refresh(one)
            alone = {"parent_id": None}
            control.change_control(session, tenant_id, one.id, one.row_version, alone)


def _release(lease: Lease, budget_id: UUID) -> None:
    """Release what is held; what cannot be released, as in a closed period, stays as it is."""
    past: tuple[str, str] = ("", "")
    while True:
        with lease.transaction() as session:
            held = _open_holds(session, budget_id, past)
        for ref_type, ref_id in held:
            lease.checkpoint()
            with suppress(Conflict, NotFound):
                operations.release(
                    lease.database, lease.tenant_id, ref_id, None,
                    actor=lease.actor, ref_type=ref_type,
                )  # fmt: skip
            past = (ref_type, ref_id)
        if len(held) < _AT_ONCE:
            return


def _open_holds(session: Session, budget_id: UUID, past: tuple[str, str]) -> list[tuple[str, str]]:
    accounts = select(BudgetAccount.id).where(BudgetAccount.budget_id == budget_id)
    query = (
        select(Hold.ref_type, Hold.ref_id)
        .where(Hold.account_id.in_(accounts), Hold.state == "open")
        .where(tuple_(Hold.ref_type, Hold.ref_id) > past)
        .order_by(Hold.ref_type, Hold.ref_id)
        .limit(_AT_ONCE)
    )
    return [(ref_type, ref_id) for ref_type, ref_id in session.execute(query)]


def _delete(session: Session, budget_id: UUID, *, whatever: bool) -> bool:
    """Delete a budget, whether it is gone. `whatever` it holds, it is hidden at the last try."""
    try:
        with session.begin_nested():
            editing.delete_budget(session, budget_id)
    except (BudgetInUse, NotFound) as refusal:
        if isinstance(refusal, BudgetInUse) and not whatever:
            return False
        session.execute(
            update(Budget)
            .where(Budget.id == budget_id, Budget.deleted_at.is_(None))
            .values(deleted_at=func.now())
        )
    return True


def _resolve_alerts(session: Session, budget_ids: list[UUID], actor: str) -> None:
    about = select(Alert.id).where(Alert.budget_id.in_(budget_ids), Alert.state != "resolved")
    alerts.change_many(session, session.execute(about).scalars().all(), alerts.resolve, actor)


def _undone(session: Session, import_id: UUID, budgets: int, actor: str) -> None:
    """Say on the import that it was taken back, so that the same file can come anew."""
    told = {"at": datetime.now(UTC).isoformat(), "by": actor, "reverted": budgets, "kept": 0,
            "amounts": {}, "kept_budgets": []}  # fmt: skip
    session.execute(
        update(ImportRun)
        .where(ImportRun.id == import_id, ImportRun.state.in_(runs.DONE))
        .values(state="undone", fingerprint=None, undo=told)
    )
