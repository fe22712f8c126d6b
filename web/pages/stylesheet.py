"""The one style sheet that pages load, put together from a file for each component."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path

from flask import Blueprint, Response, request

blueprint = Blueprint("stylesheet", __name__)
FOLDER = Path(__file__).with_name("styles")
# What stands later wins: tokens and HTML's own elements first, paper last.
ORDER = (
    "tokens", "base", "frame", "headings", "cards", "buttons", "forms", "badges", "notes", "steps",
    "figures", "bars", "charts", "tables", "alerts", "routes",
    "keys",
    "components", "print",
)  # fmt: skip
_COMMENT, _SPACE = re.compile(r"/\*.*?\*/", re.DOTALL), re.compile(r"\s+")


def put_together() -> str:
    """All of it in its order, without comments and indentation."""
    parts = [(FOLDER / f"{name}.css").read_text(encoding="utf-8") for name in ORDER]
    return "\n".join(_SPACE.sub(" ", _COMMENT.sub("", part)).strip() for part in parts) + "\n"


_SHEET = put_together()
_TAG = sha256(_SHEET.encode()).hexdigest()[:16]


@blueprint.get("/static/pages.css")
def sheet() -> Response:
    """The style sheet; a browser asks again, and gets nothing (304) while it is the same."""
    answer = Response(_SHEET, mimetype="text/css")
    answer.set_etag(_TAG)
    answer.cache_control.no_cache = True
    answer.make_conditional(request)
    return answer
