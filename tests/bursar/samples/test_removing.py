"""Removing sample data, whatever people have done with it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select

from bursar.budgets import control, editing, listing, overview
from bursar.budgets.balances import get_balance
from bursar.database import Database
from bursar.errors import SamplesAbsent
from bursar.importing.runs import get_run
from bursar.jobs import runner
from bursar.ledger import operations
from bursar.period_end import closing
from bursar.period_end.asking import ask_to_close
from bursar.proof.reconcile import reconcile
from bursar.samples import loading, removing
from bursar.samples.standing import standing
from schema.tables import Alert, Hold, ImportRun
from tests.conftest import MakeBudget

Load = Callable[[], ImportRun]
Remove = Callable[[], None]


def open_alerts_and_holds(database: Database, tenant_id: UUID) -> tuple[int, int]:
    with database.transaction(tenant_id) as session:
        told = select(func.count()).select_from(Alert).where(Alert.state != "resolved")
        held = select(func.count()).select_from(Hold).where(Hold.state == "open")
        return session.execute(told).scalar_one(), session.execute(held).scalar_one()


def live(database: Database, tenant_id: UUID) -> list[Any]:
    with database.transaction(tenant_id) as session:
        return listing.list_balances(session, limit=100).rows


def test_nothing_is_left_but_what_is_one_s_own(
    load: Load, remove: Remove, database: Database, tenant_id: UUID, make_budget: MakeBudget
) -> None:
    own = make_budget("500")
    operations.reserve(database, tenant_id, own, Decimal(495), "USD", ref_id="mine", actor="test")
    run = load()
    remove()
    assert [one.id for one in live(database, tenant_id)] == [own]
    with database.transaction(tenant_id) as session:
        (total,) = overview.totals(session)
        assert (total.authorized, total.reserved) == (Decimal(500), Decimal(495))
        assert standing(session) is None
        assert get_run(session, run.id).state == "undone"
        assert [one.budget_id for one in session.execute(
            select(Alert).where(Alert.state != "resolved")).scalars()] in ([], [own])  # fmt: skip
    assert open_alerts_and_holds(database, tenant_id)[1] == 1


def test_removing_twice_is_harmless_and_it_can_come_again(
    load: Load, remove: Remove, database: Database, tenant_id: UUID,
    work_off: Callable[[], list[str]],
) -> None:  # fmt: skip
    first = load()
    with database.transaction(tenant_id, "test") as session:
        bell = removing.request_removal(session, tenant_id, "test")
    with database.transaction(tenant_id, "test") as session:
        assert removing.request_removal(session, tenant_id, "test").job_id == bell.job_id
    work_off()
    with pytest.raises(SamplesAbsent), database.transaction(tenant_id, "test") as session:
        removing.request_removal(session, tenant_id, "test")
    assert load().id != first.id
    assert len(live(database, tenant_id)) == 15
    assert open_alerts_and_holds(database, tenant_id) > (1, 15)
    remove()
    assert live(database, tenant_id) == []
    assert open_alerts_and_holds(database, tenant_id) == (0, 0)


def test_what_people_did_with_it_is_in_nobody_s_way(
    load: Load, remove: Remove, database: Database, tenant_id: UUID, make_budget: MakeBudget
) -> None:
    """Frozen, deleted and edited ones, trees with one's own budgets, holds of one's own."""
    load()
    found = {one.sub_category: one for one in live(database, tenant_id)}
    above, below = make_budget("900000"), make_budget("50", sub_category="Below")
    rent, audit = found["Warehouse rent"], found["Audit and advice"]
    with database.transaction(tenant_id, "test") as session:
        for name, status in (("Events", "frozen"), ("Wellbeing", "finalized")):
            one = found[name]
            changes = {"status": status}
            editing.edit_budget(session, tenant_id, one.id, one.row_version, changes, "test")
        editing.delete_budget(session, found["Training"].id)
        put = {"parent_id": above}
        control.change_control(session, tenant_id, rent.id, rent.row_version, put)
        version = get_balance(session, below).row_version
        control.change_control(session, tenant_id, below, version, {"parent_id": audit.id})
        assert get_balance(session, above).rolled_up > 0
    contingency = found["Contingency"]
    held = {"currency": "USD", "actor": "test"}
    for number in range(3):
        operations.reserve(
            database, tenant_id, contingency.id, Decimal(10), ref_id=f"mine-{number}", **held
        )
    remove()
    assert {one.id for one in live(database, tenant_id)} == {above, below}
    assert open_alerts_and_holds(database, tenant_id) == (0, 0)
    with database.transaction(tenant_id) as session:
        assert get_balance(session, above).rolled_up == 0
        assert get_balance(session, below).parent_id is None
        assert all(reconcile(session, tenant_id, one).discrepancy == 0 for one in (above, below))
    operations.reserve(database, tenant_id, below, Decimal(50), ref_id="still mine", **held)


@pytest.mark.parametrize("for_good", [False, True])
def test_an_ended_period_is_in_nobody_s_way(
    load: Load, remove: Remove, database: Database, tenant_id: UUID, for_good: bool
) -> None:
    """Closed for good it has handed over to budgets of the next period: those go too."""
    load()
    code = live(database, tenant_id)[0].fiscal_period
    with database.transaction(tenant_id, "test") as session:
        closing.soft_close(session, tenant_id, code)
        if for_good:
            bell = ask_to_close(
                session, tenant_id, code, rollover="carry_all", rollover_cap=None,
                next_code=None, reason="test", dry_run=False, actor="test", request_id=None,
            )  # fmt: skip
    if for_good:
        runner.run(database, tenant_id, bell.job_id, closing.close_period, runner.nothing_to_tell)
        assert any(one.fiscal_period != code for one in live(database, tenant_id))
    remove()
    assert live(database, tenant_id) == []
    assert open_alerts_and_holds(database, tenant_id) == (0, 0)


def test_what_an_import_of_one_s_own_took_over_stays(
    load: Load, remove: Remove, database: Database, tenant_id: UUID
) -> None:
    load()
    (one,) = (b for b in live(database, tenant_id) if b.sub_category == "Insurance")
    with database.transaction(tenant_id, "test") as session:
        budget = editing.lock_budget(session, one.id)
        budget.source, budget.import_id = "upload", None
    remove()
    assert [b.id for b in live(database, tenant_id)] == [one.id]


def test_a_loading_that_goes_on_is_stopped(
    database: Database, tenant_id: UUID, app: object, work_off: Callable[[], list[str]]
) -> None:
    with database.transaction(tenant_id, "test") as session:
        loading.request_load(session, tenant_id, "test")
        removing.request_removal(session, tenant_id, "test")
    assert work_off() == ["samples.remove"]
    assert live(database, tenant_id) == []
    with database.transaction(tenant_id) as session:
        assert standing(session) is None
