"""What a plan would do beyond the amounts: budgets below what is used, caps, alerts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from bursar.errors import BelowUsed
from schema.tables import Hold, ImportRun

NAMED = 100  # budgets of each kind that are named
HOLDS = 10  # holds of each budget that are named


def look_ahead(session: Session, run: ImportRun, planned: Sequence[Any]) -> dict[str, Any]:
    """The consequences of a planned import, JSON-ready, amounts as decimal text.

    `planned` is what the plan has of each action; only what it updates has consequences.

    `below_used`: budgets that would hold less than is reserved, committed and spent, with how much
    is short, the open holds behind it, and whether they stop the import (`blocking`).
    `alerts`: budgets that would cross a cap. Both say how many there are and name NAMED at most.
    """
    updates = any(group.action == "update" for group in planned)
    short = _rows(session, run, "import_short_budgets") if updates else []
    crossed = _rows(session, run, "import_crossed_caps") if updates else []
    holds = _holds(session, [row.account_id for row in short[:NAMED]])
    return {
        "below_used": {
            "count": len(short),
            "blocking": sum(row.control_mode == "absolute" for row in short),
            "budgets": [
                {
                    **_named(row),
                    "short": str(row.used - row.after),
                    "blocking": row.control_mode == "absolute",
                    "holds": holds.get(row.account_id, []),
                }
                for row in short[:NAMED]
            ],
        },
        "alerts": {
            "count": len(crossed),
            "budgets": [{**_named(row), "type": row.alert_type} for row in crossed[:NAMED]],
        },
    }


def require_allowed(run: ImportRun) -> None:
    """Refuse at once what the plan already showed to be short. Raises BelowUsed."""
    below = run.consequences.get("below_used") or {}
    if below.get("blocking") and not run.allow_below_used:
        budgets = [budget for budget in below["budgets"] if budget["blocking"]]
        raise BelowUsed(_words(budgets[0], below["blocking"]), extra={"budgets": budgets})


def require_covered(session: Session, run: ImportRun) -> None:
    """Refuse an applied plan that leaves a strictly controlled budget short. Raises BelowUsed.

    Called in the transaction that has applied it, so the accounts are locked and the answer is
    final; the caller rolls back.
    """
    if run.allow_below_used or not run.updated_rows:
        return
    blocking = [
        row for row in _rows(session, run, "import_short_budgets") if row.control_mode == "absolute"
    ]
    if blocking:
        budgets = [{**_named(row), "short": str(row.used - row.after)} for row in blocking[:NAMED]]
        raise BelowUsed(_words(budgets[0], len(blocking)), extra={"budgets": budgets})


def _words(first: dict[str, Any], count: int) -> str:
    name = " / ".join(filter(None, (first["department"], first["sub_category"])))
    more = f" and {count - 1:,} more" if count > 1 else ""
    return (
        f"{name} {first['fiscal_period']}{more} would fall below what is used:"
        f" {first['after']} against {first['used']} {first['currency']}. Release what is held,"
        " raise the amounts, or allow it with allow_below_used."
    )


def tell_crossings(session: Session, run: ImportRun) -> None:
    """Tell of every cap that an applied plan has crossed."""
    if not run.updated_rows:
        return
    session.execute(
        text("select import_tell_crossings(:tenant, :import)"),
        {"tenant": run.tenant_id, "import": run.id},
    )


def _rows(session: Session, run: ImportRun, function: str) -> list[Any]:
    names = {"tenant": run.tenant_id, "import": run.id}
    query = {
        "import_short_budgets": "select * from import_short_budgets(:tenant, :import)",
        "import_crossed_caps": "select * from import_crossed_caps(:tenant, :import)",
    }[function]
    return list(session.execute(text(query + " order by department, sub_category"), names))


def _named(row: Any) -> dict[str, Any]:
    return {
        "budget_id": str(row.budget_id),
        "department": row.department,
        "sub_category": row.sub_category,
        "fiscal_period": row.fiscal_period,
        "currency": row.currency,
        "before": str(row.before),
        "after": str(row.after),
        "used": str(row.used),
    }


def _holds(session: Session, accounts: list[Any]) -> dict[Any, list[dict[str, str]]]:
    """The largest open holds of each account."""
    found: dict[Any, list[dict[str, str]]] = {}
    if not accounts:
        return found
    holds = session.execute(
        select(Hold)
        .where(Hold.account_id.in_(accounts), text("state = 'open'"))
        .order_by(Hold.account_id, Hold.remaining.desc())
        .limit(HOLDS * NAMED)
    ).scalars()
    for hold in holds:
        kept = found.setdefault(hold.account_id, [])
        if len(kept) < HOLDS:
            kept.append(
                {"ref_type": hold.ref_type, "ref_id": hold.ref_id, "amount": str(hold.remaining)}
            )
    return found
