"""The front page of the settings: what there is to decide, and where."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template

from web.auth import ADMIN, require

blueprint = Blueprint("setting_pages", __name__, url_prefix="/settings")

# Page → its name and what it is for. The pages themselves show the names side by side.
SUBJECTS = {
    "member_pages.index": ("Members", "Who may log in to these pages, and what each may do."),
    "key_pages.index": ("API keys", "What other programs call the API with."),
    "rule_pages.index": ("Approval rules", "Up to which amount nobody has to be asked."),
    "period_pages.index": ("Fiscal periods", "Which periods are open, and closing those that end."),
    "word_pages.show": ("Words for files", "What your exports call themselves."),
    "organisation_pages.show": ("Organisation", "Its currencies, its calendar, its limits."),
}


@blueprint.app_context_processor
def _subjects() -> dict[str, Any]:
    return {"setting_subjects": SUBJECTS}


@blueprint.get("")
@require(ADMIN)
def index() -> Any:
    """All subjects of the settings."""
    return render_template("settings/front.html")
