"""Rules of approval: up to which amount a check or a transfer asks nobody."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for

from bursar.budgets import approvals
from bursar.budgets.approvals import NewRule
from bursar.errors import BursarError, NotFound, VersionStale
from bursar.money import limit_amount
from bursar.tenants import get_tenant
from web.auth import ADMIN, principal, require, transaction
from web.pages import forms
from web.problems import status_of

blueprint = Blueprint("rule_pages", __name__, url_prefix="/settings/rules")
_USUAL = 5000  # as `schema/functions/budget_check.sql` has it
COVERS = {"checks": "Checks", "transfers": "Transfers from a budget"}


@blueprint.get("")
@require(ADMIN)
def index() -> Any:
    """All rules, newest first, and a form for another one."""
    return _index()


@blueprint.post("")
@require(ADMIN)
def create() -> Any:
    """Make a rule."""
    who = principal()
    try:
        name = forms.written("name", "A name")
        currency = forms.written("currency", "A currency", most=3, required=False).upper() or None
        amount = limit_amount(forms.amount(), currency)
        department = forms.written("department", "A department", required=False) or None
        covers = request.form.get("covers", "")
        new = NewRule(name, amount, department, currency, covers if covers in COVERS else "checks")
        with transaction() as session:
            approvals.create_rule(session, who.tenant_id, new, who.actor)
    except BursarError as refusal:
        return _index(refusal)
    flash("The rule holds from now on.")
    return redirect(url_for("rule_pages.index"), 303)


@blueprint.get("/<uuid:rule_id>")
@require(ADMIN)
def show(rule_id: UUID) -> Any:
    """One rule and its form."""
    return _page(rule_id)


@blueprint.post("/<uuid:rule_id>")
@require(ADMIN)
def change(rule_id: UUID) -> Any:
    """Change a rule, or switch it off and on."""
    try:
        with transaction() as session:
            rule = approvals.get_rule(session, rule_id)
            amount = limit_amount(forms.amount(), rule.currency)
            changes = {
                "name": forms.written("name", "A name"),
                "auto_approve_up_to": amount,
                "is_active": request.form.get("is_active") == "yes",
            }
            approvals.change_rule(session, rule_id, forms.version(), changes)
    except NotFound:
        raise
    except VersionStale:
        stale = VersionStale("Somebody else has changed this rule since. Look at it again.")
        return _page(rule_id, stale)
    except BursarError as refusal:
        return _page(rule_id, refusal)
    flash("The rule is changed.")
    return redirect(url_for("rule_pages.index"), 303)


def _index(refusal: BursarError | None = None) -> Any:
    with transaction() as session:
        found = approvals.list_rules(session, limit=25, cursor=request.args.get("cursor") or None)
        tenant = get_tenant(session)
        currencies = [("", "All currencies"), *((code, code) for code in tenant.allowed_currencies)]
        usual = tenant.settings.get("auto_approve_threshold", _USUAL)
    body = render_template(
        "settings/rules.html", found=found, covers=COVERS, refusal=refusal,
        typed=forms.typed(), wrong=forms.wrong(refusal), currencies=currencies,
        usual=str(usual),
    )  # fmt: skip
    return make_response(body, status_of(refusal) if refusal else 200)


def _page(rule_id: UUID, refusal: BursarError | None = None) -> Any:
    with transaction() as session:
        rule = approvals.get_rule(session, rule_id)
        kept = {"name": rule.name, "amount": f"{rule.auto_approve_up_to.normalize():f}"}
        active = "yes" if rule.is_active else None
    typed = forms.typed(**kept, is_active=active)
    body = render_template(
        "settings/rule.html", rule=rule, covers=COVERS, refusal=refusal, typed=typed,
        wrong=forms.wrong(refusal),
    )  # fmt: skip
    return make_response(body, status_of(refusal) if refusal else 200)
