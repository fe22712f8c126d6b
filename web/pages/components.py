"""Every token and component of the pages in all its states, drawn from made-up figures."""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal
from itertools import accumulate
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template, url_for

from bursar.reports.burn_down import BurnDown
from bursar.reports.forecast import run_out
from web.auth import READ, require
from web.pages import charts
from web.pages.drawing import STATES
from web.pages.stylesheet import FOLDER

blueprint = Blueprint("component_pages", __name__, url_prefix="/components")
SHAPES = ("check", "triangle", "cross", "clock", "plus", "dash", "brand")
_GROUP, _TOKEN = re.compile(r"/\* (.+?) \*/"), re.compile(r"(--[\w-]+): (.+);")
_TODAY = date(2026, 6, 30)
_USED = (31, 12, 0, 44, 27, 8, 19, 0, 36, 22, 15, 41, 9, 30)


@blueprint.get("")
@require(READ)
def show() -> Any:
    """The page; what is pressed on it changes nothing."""
    budgets = _budgets()
    return render_template(
        "components.html",
        tokens=tokens(),
        shapes=SHAPES,
        states=sorted(set(STATES.values()), key=lambda one: (one[1], one[2], one[0])),
        budgets=budgets,
        total=_balance(budgets=3),
        chart=charts.burn_down(_line()),
        span=SimpleNamespace(name="this_month", first_day=date(2026, 6, 1), last_day=_TODAY),
        report=_report(),
        refusal=_refusal(),
    )


@blueprint.post("")
@require(READ)
def press() -> Any:
    """Where the buttons of the page lead: back to it."""
    return redirect(url_for("component_pages.show"), 303)


def tokens() -> dict[str, list[tuple[str, str, str]]]:
    """Name, light and dark value of each token, by the comment it stands under."""
    text = (FOLDER / "tokens.css").read_text(encoding="utf-8")
    light, _, rest = text.partition("@media (prefers-color-scheme: dark)")
    dark = dict(_TOKEN.findall(rest.partition("@media")[0]))
    groups: dict[str, list[tuple[str, str, str]]] = {}
    heading = ""
    for line in light.partition(":root")[2].splitlines():
        if said := _GROUP.search(line):
            heading = said[1].rstrip(".")
        elif found := _TOKEN.search(line):
            groups.setdefault(heading, []).append((found[1], found[2], dark.get(found[1], "")))
    return groups


def _balance(used: int = 62, **more: Any) -> SimpleNamespace:
    """A balance of 1,000, of which so many hundredths are used."""
    authorized = Decimal(1_000)
    reserved, committed = authorized * used / 1000, authorized * used / 500
    spent = authorized * used / 100 - reserved - committed
    return SimpleNamespace(**{
        "currency": "USD", "authorized": authorized, "reserved": reserved,
        "committed": committed, "spent": spent, "used": authorized * used / 100,
        "available": authorized * (100 - used) / 100, "utilization_percent": Decimal(used),
        "soft_cap_pct": Decimal(80), "approach_pct": Decimal(95),
    } | more)  # fmt: skip


def _budgets() -> list[SimpleNamespace]:
    """A budget for each state of the bar, and each word beside a period."""
    said = ((0, "active", False), (62, "planned", False), (84, "active", True),
            (97, "archived", False), (112, "finalized", False))  # fmt: skip
    rows = [
        _balance(used, id=UUID(int=place), department="Parks", sub_category=f"Lot {place}",
                 fiscal_period="FY2026", status=status, frozen=frozen)
        for place, (used, status, frozen) in enumerate(said, 1)
    ]  # fmt: skip
    nothing = _balance(0, id=UUID(int=9), department="Roads", sub_category=None,
                       fiscal_period="FY2026", status="active", frozen=False)  # fmt: skip
    nothing.authorized = nothing.available = Decimal(0)
    nothing.utilization_percent = None
    return [*rows, nothing]


def _line() -> BurnDown:
    days = [_TODAY - timedelta(days=n) for n in range(len(_USED), -1, -1)]
    left = accumulate((-Decimal(used) for used in _USED), initial=Decimal(500))
    pairs = tuple(zip(days, left, strict=True))
    foreseen = run_out(_TODAY, pairs[-1][1], [Decimal(used) for used in _USED])
    return BurnDown("USD", Decimal(500), pairs, foreseen, date(2026, 7, 31))


def _report() -> SimpleNamespace:
    moved = SimpleNamespace(entries=12, amount=Decimal(3500), delta_authorized=Decimal(0),
                            delta_used=Decimal(3500))  # fmt: skip
    return SimpleNamespace(
        currency="USD", opening=_balance(27), closing=_balance(62), by_kind={"charge": moved}
    )


def _refusal() -> SimpleNamespace:
    faults = [SimpleNamespace(detail="The amount is not a number.")]
    return SimpleNamespace(detail="The budget has not enough available.", faults=faults)
