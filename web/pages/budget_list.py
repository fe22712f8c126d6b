"""All budgets: filters and order in the address, sums of what is shown, and the list as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, make_response, render_template, request
from sqlalchemy.orm import Session

from bursar.budgets import balances, listing, views
from bursar.budgets.editing import STATUSES
from bursar.budgets.export import HEADER, rows_of
from bursar.errors import InvalidInput
from bursar.paging import Page
from bursar.reports.inert_files import csv_blocks, write_workbook
from schema.tables import SavedView
from web.auth import READ, require, transaction
from web.downloads import streamed, workbook
from web.pages.going import uuid_or_none
from web.pages.views import user_id

blueprint = Blueprint("budget_list", __name__, url_prefix="/budgets")
_ROWS = 25
_CHOICES = 60  # departments to choose from; where there are more, a name is typed
_NAMED = ("department", "period", "status", "q")
# The heads of the table that sort, with the order that a first press asks for.
SORTS = {
    "department": "department",
    "budgeted_amount": "-budgeted_amount",
    "available": "available",
}


@blueprint.get("")
@require(READ)
def index() -> Any:
    """The budgets that fit the filters, a page at a time."""
    filters, sort = _filters(), request.args.get("sort") or "department"
    refusal = None
    status = 200
    with transaction() as session:
        try:
            found = listing.list_balances(
                session,
                **filters,
                sort=sort,
                limit=_ROWS,
                cursor=request.args.get("cursor") or None,
            )
        except InvalidInput as too_many:
            refusal, found, status = too_many, Page([], None), 422
        departments, periods = balances.filter_values(session, _CHOICES)
        kept_views = _views(session)
    body = render_template(
        "budgets.html",
        budgets=found,
        refusal=refusal,
        wanted={name: request.args.get(name, "") for name in _NAMED},
        import_id=filters["import_id"],
        filtered=any(filters.values()),
        departments=departments,
        most=_CHOICES,
        periods=periods,
        statuses=STATUSES,
        sort=sort,
        sorted_by=_sorted_by,
        views=kept_views,
        shown=urlencode(_kept()),
        kept=_kept(),
    )
    return make_response(body, status)


@blueprint.get("/sums")
@require(READ)
def sums() -> Any:
    """How many budgets fit, and what they come to: asked for by the list when it is there."""
    filters = _filters()
    with transaction() as session:
        totals = listing.totals(session, **filters)
    return render_template(
        "budget_sums.html",
        totals=totals,
        filtered=any(filters.values()),
    )


@blueprint.get("/export.csv")
@require(READ)
def as_csv() -> Response:
    """What the filters show, all of it, as CSV."""
    filters = _filters()
    return streamed(
        lambda session: csv_blocks(HEADER, rows_of(session, **filters)), "text/csv", "budgets.csv"
    )


@blueprint.get("/export.xlsx")
@require(READ)
def as_workbook() -> Response:
    """The same as a workbook, with amounts as numbers."""
    filters = _filters()

    def make(session: Session, place: Path) -> None:
        write_workbook(place, (("Budgets", HEADER, rows_of(session, **filters)),))

    return workbook(make, "budgets.xlsx")


def _filters() -> dict[str, Any]:
    """The filters of the address, as `list_balances` takes them."""
    wanted = {name: request.args.get(name, "").strip() or None for name in _NAMED}
    return {
        "department": wanted["department"],
        "fiscal_period": wanted["period"],
        "status": wanted["status"] if wanted["status"] in STATUSES else None,
        "q": wanted["q"],
        "import_id": uuid_or_none(request.args.get("import")),
    }


def _kept() -> dict[str, str]:
    """What a view would keep of this address."""
    wanted = {key: request.args.get(key, "").strip() for key in views.KEPT}
    return {key: text for key, text in wanted.items() if text}


def _views(session: Session) -> list[tuple[SavedView, str, bool]]:
    """The views to choose from, each with its address and whether it is one's own."""
    person = user_id()
    if person is None:
        return []
    found = views.list_views(session, person)
    return [(one, urlencode(views.wanted_by(one)), one.user_id == person) for one in found]


def _sorted_by(name: str) -> tuple[str, str | None]:
    """The address that sorts by a column, and how it is sorted now: `aria-sort`."""
    present = request.args.get("sort") or "department"
    here = present.lstrip("-") == name
    first = SORTS[name]
    turned = first.lstrip("-") if first.startswith("-") else f"-{first}"
    kept = {k: v for k, v in request.args.items() if k not in ("cursor", "sort")}
    wanted = turned if here and present == first else first
    said = ("descending" if present.startswith("-") else "ascending") if here else None
    return f"?{urlencode({**kept, 'sort': wanted})}", said
