"""Alerts: raised once from what the ledger told, acknowledged and resolved by people."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from bursar.config import settings
from bursar.errors import NotFound
from bursar.events import note_event
from bursar.paging import Page, page
from schema.tables import Alert

# Type of alert → (severity, wording).
THRESHOLDS = {
    "threshold_warning": ("warning", "The budget has passed its soft cap."),
    "threshold_exceeded": ("critical", "The budget is close to its hard cap."),
    "over_budget": ("critical", "More has been spent than the budget authorizes."),
}
# What the ledger calls a top-up that it tells of.
TOPUP = "ledger.topup"
# How far below its line a budget has to fall for its alert to end, in percent of what is
# authorized: one that goes up and down around the line is told of once.
SLACK_PERCENT = 5


# A budget and the one above it, where that one has not spent too much, all below it counted.
_SOUND_ABOVE = text(
    """
    with recursive family as (
      select p.id from budget b
        join budget p on p.tenant_id = b.tenant_id and p.id = b.parent_id and p.deleted_at is null
       where b.id = :budget
      union all
      select b.id from family f join budget b on b.parent_id = f.id and b.deleted_at is null
    )
    select b.name, p.name as above
      from budget b
      join budget p on p.tenant_id = b.tenant_id and p.id = b.parent_id
      join budget_account a
        on a.tenant_id = p.tenant_id and a.budget_id = p.id and a.line_key is null
           and a.closed_at is null
     where b.id = :budget
       and a.authorized >= (
         select sum(x.spent) from family f
           join budget_account x
             on x.budget_id = f.id and x.line_key is null and x.closed_at is null)
    """
)


def raise_for_crossing(session: Session, tenant_id: UUID, crossing: dict[str, Any]) -> None:
    """Turn what the ledger noted about a budget into an alert, unless one is still open."""
    kind = str(crossing.get("type"))
    if kind not in THRESHOLDS:
        return
    severity, message = THRESHOLDS[kind]
    authorized, used = Decimal(crossing["authorized"]), Decimal(crossing["used"])
    budget_id = crossing["budget_id"]
    if kind == "over_budget":
        line = session.execute(_SOUND_ABOVE, {"budget": budget_id}).first()
        if line is not None:
            kind = "line_item_overrun"
            message = f"{line.name} has spent more than its part of {line.above}, which has enough."
    raise_alert(
        session, tenant_id, kind, severity, message, crossing, f"{kind}:{budget_id}",
        budget_id=budget_id,
        utilization_percent=round(used * 100 / authorized, 4) if authorized > 0 else None,
    )  # fmt: skip


def raise_for_topup(session: Session, tenant_id: UUID, topup: dict[str, Any]) -> None:
    """Tell of a top-up that is large beside what its budget had, by BURSAR_LARGE_TOPUP_PERCENT."""
    percent = settings().large_topup_percent
    amount = Decimal(topup["amount"])
    before = Decimal(topup["authorized"]) - amount
    if percent == 0 or before <= 0 or amount * 100 < before * percent:
        return
    budget_id = topup["budget_id"]
    raise_alert(
        session, tenant_id, "large_topup", "warning",
        f"A top-up added {amount * 100 / before:.0f} % of what the budget had.",
        topup, f"large_topup:{budget_id}:{topup['entry_seq']}", budget_id=budget_id,
    )  # fmt: skip


def raise_alert(
    session: Session, tenant_id: UUID, kind: str, severity: str, message: str,
    details: dict[str, Any], dedup_key: str, *, budget_id: UUID | str | None = None,
    utilization_percent: Decimal | None = None, tell: bool = True,
) -> bool:  # fmt: skip
    """Raise an alert unless one of this key is still open; whether it is a new one.

    Endpoints that want it hear of a new one, unless `tell` is false.
    """
    made = session.execute(
        text(
            "insert into alert (tenant_id, type, severity, budget_id, utilization_percent, message,"
            " details, dedup_key) values (:tenant, :type, :severity, :budget, :percent, :message,"
            " cast(:details as jsonb), :dedup)"
            " on conflict (tenant_id, dedup_key) where state <> 'resolved' do nothing returning id"
        ),
        {
            "tenant": tenant_id, "type": kind, "severity": severity, "budget": budget_id,
            "percent": utilization_percent, "message": message,
            "details": json.dumps(details, default=str), "dedup": dedup_key,
        },
    ).scalar()  # fmt: skip
    if made is not None and tell:
        told = {"alertId": made, "type": kind, "severity": severity, "message": message,
                "budgetId": budget_id, "customerId": tenant_id}  # fmt: skip
        note_event(session, tenant_id, "alert.raised", told)
    return made is not None


def raise_for_variance(
    session: Session, tenant_id: UUID, budget_id: UUID, name: str, authorized: Decimal,
    spent: Decimal, currency: str, limit_percent: Decimal,
) -> bool:  # fmt: skip
    """Raise an alert where a budget ends farther from its plan than a limit, on either side.

    `limit_percent` is of what is authorized; without anything authorized there is no percent, and
    any spending is too far.
    """
    apart = abs(authorized - spent)
    if apart * 100 <= authorized * limit_percent:
        return False
    side = "more" if spent > authorized else "less"
    return raise_alert(
        session, tenant_id, "variance_high", "warning",
        f"{name} ends with {apart:f} {currency} {side} spent than planned.",
        {"budget_id": budget_id, "authorized": authorized, "spent": spent, "currency": currency,
         "variance": authorized - spent, "limit_percent": limit_percent},
        f"variance_high:{budget_id}", budget_id=budget_id,
    )  # fmt: skip


def resolve_key(session: Session, tenant_id: UUID, dedup_key: str, actor: str) -> None:
    """Resolve the alert of this key, if one is open: what it was about is over."""
    session.execute(
        text(
            "update alert set state = 'resolved', resolved_by = :actor, resolved_at = now()"
            " where tenant_id = :tenant and dedup_key = :dedup and state <> 'resolved'"
        ),
        {"tenant": tenant_id, "dedup": dedup_key, "actor": actor},
    )


def resolve_past(session: Session, tenant_id: UUID) -> int:
    """Resolve the alerts about budgets that are clearly below their lines again; how many."""
    done = session.execute(
        text(
            """
            update alert a set state = 'resolved', resolved_by = 'system', resolved_at = now()
              from budget_account x
             where a.tenant_id = :tenant and a.state <> 'resolved'
               and a.type in ('threshold_warning', 'threshold_exceeded', 'over_budget',
                              'line_item_overrun', 'hard_cap_reached')
               and x.tenant_id = :tenant and x.budget_id = a.budget_id
               and x.line_key is null and x.closed_at is null
               and case a.type
                   when 'over_budget' then x.spent <= x.authorized
                   when 'line_item_overrun' then x.spent <= x.authorized
                   else x.used + x.rolled_up < x.authorized * (case a.type
                          when 'threshold_warning' then x.soft_cap_pct
                          when 'threshold_exceeded' then x.approach_pct
                          else 100 end - :slack) / 100
                   end
            returning a.id
            """
        ),
        {"tenant": tenant_id, "slack": SLACK_PERCENT},
    )
    return len(done.all())


def list_alerts(
    session: Session,
    *,
    state: str | None = None,
    kind: str | None = None,
    budget_id: UUID | None = None,
    limit: int = 50,
    cursor: str | None = None,
) -> Page:
    """A page of alerts, newest first."""
    query = select(Alert)
    for column, value in ((Alert.state, state), (Alert.type, kind), (Alert.budget_id, budget_id)):
        if value is not None:
            query = query.where(column == value)
    return page(
        session,
        query,
        columns={"created_at": Alert.__table__.c.created_at},
        key=Alert.__table__.c.id,
        limit=limit,
        cursor=cursor,
    )


def acknowledge(session: Session, alert_id: UUID, actor: str) -> Alert:
    """Note who has seen an alert; the first to do so stays noted. Raises NotFound."""
    alert = _get(session, alert_id)
    if alert.state == "open":
        alert.state, alert.acknowledged_by, alert.acknowledged_at = "acknowledged", actor, _now()
    session.flush()
    return alert


def resolve(session: Session, alert_id: UUID, actor: str) -> Alert:
    """Close an alert; the same cause may raise a new one afterwards. Raises NotFound."""
    alert = _get(session, alert_id)
    if alert.state != "resolved":
        alert.state, alert.resolved_by, alert.resolved_at = "resolved", actor, _now()
    session.flush()
    return alert


def change_many(
    session: Session,
    alert_ids: Collection[UUID],
    change: Callable[[Session, UUID, str], Alert],
    actor: str,
) -> int:
    """Acknowledge or resolve several, all or none; how many. Raises NotFound.

    They are locked in the order of their ids, so that two such calls never wait for each other.
    """
    return len([change(session, alert_id, actor) for alert_id in sorted(set(alert_ids))])


def _now() -> Any:
    return func.now()


def _get(session: Session, alert_id: UUID) -> Alert:
    alert = session.execute(
        select(Alert).where(Alert.id == alert_id).with_for_update()
    ).scalar_one_or_none()
    if alert is None:
        raise NotFound("There is no such alert.")
    return alert
