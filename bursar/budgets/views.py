"""Lists of budgets as people have kept them: filters and order under a name."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from sqlalchemy import delete, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from bursar.errors import Fault, InvalidInput, NotFound
from schema.tables import SavedView

KEPT = ("department", "period", "status", "q", "sort")  # what of an address is kept
MOST = 50  # views that one person keeps


def list_views(session: Session, user_id: UUID) -> list[SavedView]:
    """The views of a person, and some of those that others share, by name."""
    query = (
        select(SavedView)
        .where(or_(SavedView.user_id == user_id, SavedView.is_shared))
        # One's own first, so that those of others never crowd one out.
        .order_by(SavedView.user_id != user_id, func.lower(SavedView.name), SavedView.id)
        .limit(4 * MOST)
    )
    found = session.execute(query).scalars()
    return sorted(found, key=lambda view: (view.name.lower(), view.id))


def save_view(
    session: Session, tenant_id: UUID, user_id: UUID, name: str, wanted: Mapping[str, str],
    *, is_shared: bool = False,
) -> UUID:  # fmt: skip
    """Keep filters and order under a name; the same name of the same person says this from now on.

    Raises InvalidInput for an empty or long name, for nothing to keep or what no list can be
    asked for, and for too many.
    """
    name = " ".join(name.split())
    if not 1 <= len(name) <= 80:
        raise _refused("/name", "A view has a name of 1 to 80 characters.")
    if any("\0" in text for text in (name, *wanted.values())):
        raise _refused("/name", "A view holds no NUL character.")
    query = urlencode([(key, wanted[key][:500]) for key in KEPT if wanted.get(key)])
    if not query:
        raise _refused("/name", "Choose a filter or an order first; without one it is the list.")
    own = select(func.count()).where(
        SavedView.user_id == user_id, func.lower(SavedView.name) != name.lower()
    )
    if session.execute(own).scalar_one() >= MOST:
        raise _refused("/name", f"You keep {MOST} views already; remove one first.")
    values = {"query": query, "is_shared": is_shared}
    return session.execute(
        insert(SavedView)
        .values(tenant_id=tenant_id, user_id=user_id, name=name, **values)
        .on_conflict_do_update(
            index_elements=["tenant_id", "user_id", func.lower(SavedView.name)],
            set_={**values, "name": name, "updated_at": func.now(),
                  "row_version": SavedView.row_version + 1},
        )
        .returning(SavedView.id)
    ).scalar_one()  # fmt: skip


def drop_view(session: Session, user_id: UUID, view_id: UUID) -> str:
    """Remove a view of one's own. Returns its name. Raises NotFound, also for one of others."""
    name = session.execute(
        delete(SavedView)
        .where(SavedView.id == view_id, SavedView.user_id == user_id)
        .returning(SavedView.name)
    ).scalar_one_or_none()
    if name is None:
        raise NotFound("You have no such view.")
    return name


def wanted_by(view: SavedView) -> dict[str, str]:
    """What a view keeps, as an address has it."""
    return {key: text for key, text in parse_qsl(view.query) if key in KEPT}


def _refused(pointer: str, detail: str) -> InvalidInput:
    return InvalidInput(detail, faults=[Fault(pointer, "invalid_view", detail)])
