"""The first steps of a new organisation, shown to its administrators until they are done."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, url_for

from bursar import first_steps as rules
from web.auth import ADMIN, require, transaction

blueprint = Blueprint("first_steps", __name__, url_prefix="/first-steps")

# Step → what it is, why, and where it is done: the words of the button, and the page.
WORDS = {
    "import": (
        "Import a first file",
        "A spreadsheet with departments and amounts is enough; nothing is loaded unseen.",
        "Import a file",
        "mapping.new",
    ),
    "people": (
        "Invite people",
        "Those who own budgets check and approve for themselves, each in a role of their own.",
        "Add a member",
        "member_pages.index",
    ),
    "control": (
        "Set up a rule, or a source",
        "A rule says up to which amount nobody has to be asked; a source brings files by itself.",
        "Add a rule",
        "rule_pages.index",
    ),
    "key": (
        "Make a key for programs",
        "With it your other systems ask whether money is there, and reserve it.",
        "Make a key",
        "key_pages.index",
    ),
}


@blueprint.app_context_processor
def _shared() -> dict[str, Any]:
    return {"first_steps": _steps}


def _steps() -> list[tuple[rules.Step, tuple[str, str, str, str]]]:
    with transaction() as session:
        return [(step, WORDS[step.name]) for step in rules.first_steps(session)]


@blueprint.post("/dismiss")
@require(ADMIN)
def dismiss() -> Any:
    """Show the first steps no more."""
    with transaction() as session:
        rules.dismiss(session)
    flash("The first steps are put away. Everything in them stays where it is, under Settings.")
    return redirect(url_for("dashboard.show"), 303)
