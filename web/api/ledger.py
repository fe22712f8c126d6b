"""The ledger of a budget: utilization, entries, where they came from, reconcile."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint, Tag
from pydantic import BaseModel, Field

from bursar.budgets.balances import get_balance
from bursar.database import database
from bursar.importing.lineage import Source, sources_of
from bursar.ledger import operations
from bursar.ledger.answers import Answer
from bursar.ledger.entries import list_entries
from bursar.period_end import accounts
from bursar.proof.reconcile import reconcile
from schema.tables import LedgerEntry
from web.api.wire import (
    AmountOut,
    BudgetPath,
    CurrencyCode,
    ListQuery,
    Out,
    amount_text,
    percent_text,
    problems,
    time_text,
)
from web.auth import ADMIN, READ, principal, require, transaction

api = APIBlueprint("ledger", __name__, url_prefix="/api/v1/budgets", abp_tags=[Tag(name="Ledger")])


class UtilizationOut(Out):
    """How much of a budget is used."""

    budget_id: UUID
    currency: CurrencyCode
    budgeted_amount: AmountOut
    balance: AmountOut
    available: AmountOut
    utilization_percent: str | None
    soft_cap_exceeded: bool
    hard_cap_approaching: bool


class EntryOut(Out):
    """One entry of the ledger."""

    seq: int
    kind: str
    from_bucket: str
    to_bucket: str
    amount: AmountOut
    delta_used: AmountOut
    currency: CurrencyCode
    ref_type: str | None
    ref_id: str | None
    import_id: UUID | None
    actor: str
    reason: str | None
    effective_at: str
    recorded_at: str
    hash: str


class CellOut(Out):
    """A cell that went into a budget."""

    import_id: UUID
    file_id: UUID
    file_name: str
    sha256: str
    sheet: str | None
    row: int
    column: str | None
    cell: str | None
    amount: AmountOut
    currency: CurrencyCode
    action: str
    state: str
    imported_by: str
    imported_at: str | None
    entries: list[int]


class LineageOut(Out):
    """The cells that a budget's amount came from, newest import first."""

    data: list[CellOut]


class EntryPage(Out):
    """A page of entries, newest first."""

    data: list[EntryOut]
    next_cursor: str | None


class ReconcileQuery(BaseModel):
    """How much of the chain is walked."""

    whole_chain: bool = Field(
        False, description="From the first entry on, and not from the state that was proven last."
    )


class ReconcileOut(Out):
    """Stored counters beside those derived from the entries."""

    budget_id: UUID
    currency: CurrencyCode
    discrepancy: AmountOut
    stored: dict[str, str]
    derived: dict[str, str]
    totals_by_type: dict[str, str]
    entries: int
    first_bad_seq: int | None


def account_wire(answer: Answer) -> dict[str, Any]:
    """The account part of an answer of the ledger."""
    return {
        "budget_id": str(answer.budget_id),
        "currency": answer.currency,
        "budgeted_amount": amount_text(answer.authorized, answer.currency),
        "balance": amount_text(answer.balance, answer.currency),
        "available": amount_text(answer.available, answer.currency),
        "utilization_percent": percent_text(answer.utilization_percent),
        "soft_cap_exceeded": answer.soft_cap_exceeded,
        "hard_cap_approaching": answer.hard_cap_approaching,
    }


@api.get("/<budget_id>/utilization", responses={"200": UtilizationOut, **problems(404)})
@require(READ)
def utilization(path: BudgetPath) -> Response:
    """How much of a budget is used."""
    who = principal()
    return jsonify(account_wire(operations.read_account(database(), who.tenant_id, path.budget_id)))


class EntryFilter(ListQuery):
    """Which entries."""

    account_id: UUID | None = Field(
        None, description="An account of a period that is over; the open one without it."
    )


@api.get("/<budget_id>/ledger", responses={"200": EntryPage, **problems(404)})
@require(READ)
def ledger(path: BudgetPath, query: EntryFilter) -> Response:
    """The entries of a budget's present period, or of another one, newest first."""
    who = principal()
    account = operations.read_account(database(), who.tenant_id, path.budget_id)
    with transaction() as session:
        wanted = account.account_id
        if query.account_id is not None:
            wanted = accounts.require_account(session, path.budget_id, query.account_id)
        found = list_entries(session, wanted, limit=query.limit, cursor=query.cursor)
    return jsonify(
        data=[_entry_wire(entry, account.currency) for entry in found.rows],
        next_cursor=found.next_cursor,
    )


def _entry_wire(entry: LedgerEntry, currency: str) -> dict[str, Any]:
    plain = ("seq", "kind", "from_bucket", "to_bucket", "ref_type", "ref_id", "actor", "reason")
    return {
        **{name: getattr(entry, name) for name in plain},
        "amount": amount_text(entry.amount, currency),
        "delta_used": amount_text(entry.delta_used, currency),
        "currency": currency,
        "import_id": str(entry.import_id) if entry.import_id else None,
        "effective_at": time_text(entry.effective_at),
        "recorded_at": time_text(entry.recorded_at),
        "hash": entry.hash.hex(),
    }


@api.get("/<budget_id>/lineage", responses={"200": LineageOut, **problems(404)})
@require(READ)
def lineage(path: BudgetPath) -> Response:
    """The cells that a budget's amount came from: import, file, sheet, row and cell."""
    with transaction() as session:
        currency = get_balance(session, path.budget_id).currency
        found = sources_of(session, path.budget_id)
    return jsonify(data=[cell_wire(source, currency) for source in found])


def cell_wire(source: Source, currency: str) -> dict[str, Any]:
    """A cell that went into a budget."""
    plain = ("file_name", "sha256", "sheet", "row", "column", "cell", "action", "state",
             "imported_by")  # fmt: skip
    return {
        "import_id": str(source.import_id),
        "file_id": str(source.file_id),
        **{name: getattr(source, name) for name in plain},
        "amount": amount_text(source.amount, currency),
        "currency": currency,
        "imported_at": time_text(source.imported_at),
        "entries": list(source.seqs),
    }


@api.post("/<budget_id>/reconcile", responses={"200": ReconcileOut, **problems(404)})
@require(ADMIN)
def reconcile_budget(path: BudgetPath, query: ReconcileQuery) -> Response:
    """Derive a budget's counters from its entries, verify the chain, and compare."""
    who = principal()
    with transaction() as session:
        found = reconcile(session, who.tenant_id, path.budget_id, whole_chain=query.whole_chain)
    texts = {
        name: {key: amount_text(value, found.currency) for key, value in values.items()}
        for name, values in (
            ("stored", found.stored),
            ("derived", found.derived),
            ("totals_by_type", found.totals_by_type),
        )
    }
    return jsonify(
        budget_id=str(found.budget_id),
        currency=found.currency,
        discrepancy=amount_text(found.discrepancy, found.currency),
        entries=found.entries,
        first_bad_seq=found.first_bad_seq,
        **texts,
    )
