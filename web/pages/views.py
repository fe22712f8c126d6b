"""Views of the list of budgets that people keep under a name."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from flask import Blueprint, flash, redirect, request, url_for

from bursar.budgets import views
from bursar.errors import Forbidden
from web.auth import READ, principal, require, transaction

blueprint = Blueprint("view_pages", __name__, url_prefix="/budgets/views")


def user_id() -> UUID | None:
    """The person who is asking; None for a program."""
    kind, _, text = principal().actor.partition(":")
    return UUID(text) if kind == "user" else None


@blueprint.post("")
@require(READ)
def save() -> Any:
    """Keep the filters and the order that the list shows."""
    wanted = {key: request.form.get(key, "").strip() for key in views.KEPT}
    name = request.form.get("name", "")
    with transaction() as session:
        views.save_view(
            session, principal().tenant_id, person(), name, wanted,
            is_shared=request.form.get("is_shared") == "yes",
        )  # fmt: skip
    flash(f"Kept as “{' '.join(name.split())}”.")
    kept = urlencode({key: text for key, text in wanted.items() if text})
    return redirect(f"{url_for('budget_list.index')}?{kept}", 303)


@blueprint.post("/<uuid:view_id>/remove")
@require(READ)
def remove(view_id: UUID) -> Any:
    """Forget a view of one's own."""
    with transaction() as session:
        name = views.drop_view(session, person(), view_id)
    flash(f"“{name}” is removed; its budgets are as they were.")
    return redirect(url_for("budget_list.index"), 303)


def person() -> UUID:
    """The person who is asking. Raises Forbidden for a program."""
    found = user_id()
    if found is None:
        raise Forbidden("Only people have an account here; a program has a key.")
    return found
