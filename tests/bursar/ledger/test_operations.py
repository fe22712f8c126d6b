"""The operations of the ledger, on a real PostgreSQL, as the application's role."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from bursar import alerts, errors
from bursar.database import Database
from bursar.ledger import funds
from bursar.ledger import operations as ledger
from bursar.ledger.answers import Answer, Retry
from bursar.proof.reconcile import broken_budgets, reconcile
from bursar.telling import tell_noted
from tests.conftest import MakeBudget


def reserve(
    database: Database, tenant: UUID, budget: UUID, amount: str, ref: str = "", **more: object
) -> Answer:
    return ledger.reserve(
        database, tenant, budget, Decimal(amount), str(more.pop("currency", "USD")),
        ref_id=ref or uuid4().hex, actor="test", **more,  # type: ignore[arg-type]
    )  # fmt: skip


def test_a_reservation_holds_what_it_asks_for(
    database: Database, tenant_id: UUID, make_budget: MakeBudget
) -> None:
    answer = reserve(database, tenant_id, make_budget("1000"), "100")
    assert (answer.balance, answer.available, answer.state) == (100, 900, "reserved")
    assert answer.utilization_percent == 10
    assert not answer.soft_cap_exceeded


def test_more_than_available_is_refused_and_leaves_no_entry(
    database: Database, tenant_id: UUID, make_budget: MakeBudget
) -> None:
    budget = make_budget("1000")
    with pytest.raises(errors.InsufficientFunds) as refusal:
        reserve(database, tenant_id, budget, "1000.01")
    assert refusal.value.extra == {"available": "1000.00", "currency": "USD"}
    with database.transaction(tenant_id) as session:
        assert reconcile(session, tenant_id, budget).entries == 1
        page = alerts.list_alerts(session, budget_id=budget)
        assert [row.Alert.type for row in page.rows] == ["hard_cap_reached"]


def test_crossing_the_soft_cap_raises_one_alert(
    database: Database, tenant_id: UUID, make_budget: MakeBudget
) -> None:
    budget = make_budget("1000")
    assert not reserve(database, tenant_id, budget, "790").soft_cap_exceeded
    assert reserve(database, tenant_id, budget, "20").soft_cap_exceeded
    reserve(database, tenant_id, budget, "10")
    with database.transaction(tenant_id) as session:
        assert tell_noted(session, tenant_id) == 1
        page = alerts.list_alerts(session, budget_id=budget)
        assert [row.Alert.type for row in page.rows] == ["threshold_warning"]


@pytest.mark.parametrize(
    ("amount", "currency", "error"),
    [
        ("1", "ZWG", errors.CurrencyMismatch),
        ("0", "USD", errors.InvalidAmount),
        ("-1", "USD", errors.InvalidAmount),
        ("0.001", "USD", errors.InvalidAmount),
    ],
)
def test_what_does_not_fit_is_refused(
    database: Database,
    tenant_id: UUID,
    make_budget: MakeBudget,
    amount: str,
    currency: str,
    error: type[errors.BursarError],
) -> None:
    budget = make_budget("1000")
    with pytest.raises(error):
        reserve(database, tenant_id, budget, amount, currency=currency)
    with database.transaction(tenant_id) as session:
        assert reconcile(session, tenant_id, budget).stored["reserved"] == 0


def test_another_tenant_s_budget_does_not_exist(
    database: Database, make_budget: MakeBudget
) -> None:
    with pytest.raises(errors.NotFound):
        reserve(database, uuid4(), make_budget(), "1")


def test_the_same_reference_gives_the_same_answer(
    database: Database, tenant_id: UUID, make_budget: MakeBudget
) -> None:
    budget = make_budget("1000")
    first = reserve(database, tenant_id, budget, "100", "po-1")
    again = reserve(database, tenant_id, budget, "100", "po-1")
    assert again.replayed
    assert again.balance == first.balance == 100
    with pytest.raises(errors.ReferenceReused):
        reserve(database, tenant_id, budget, "101", "po-1")


def test_a_key_replays_its_answer_and_refuses_another_request(
    database: Database, tenant_id: UUID, make_budget: MakeBudget
) -> None:
    budget = make_budget("1000")
    retry = Retry.of("key-1", "100")
    first = reserve(database, tenant_id, budget, "100", "a", retry=retry)
    reserve(database, tenant_id, budget, "200", "b")
    again = reserve(database, tenant_id, budget, "100", "a", retry=retry)
    assert again.replayed
    assert again.balance == first.balance == 100  # as it was answered then
    with pytest.raises(errors.IdempotencyKeyReused):
        reserve(database, tenant_id, budget, "5", "c", retry=Retry.of("key-1", "5"))


def test_charging_keeps_what_is_used(
    database: Database, tenant_id: UUID, make_budget: MakeBudget
) -> None:
    budget = make_budget("1000")
    reserve(database, tenant_id, budget, "100", "a")
    part = ledger.charge(database, tenant_id, "a", Decimal(40), actor="test")
    assert (part.state, part.remaining, part.spent, part.balance) == ("reserved", 60, 40, 100)
    rest = ledger.charge(database, tenant_id, "a", None, actor="test")
    assert (rest.state, rest.remaining, rest.spent, rest.balance) == ("charged", 0, 100, 100)
    with pytest.raises(errors.AlreadyCharged):
        ledger.charge(database, tenant_id, "a", None, actor="test")
    with pytest.raises(errors.AlreadyCharged):
        ledger.release(database, tenant_id, "a", None, actor="test")


def test_releasing_returns_the_money(
    database: Database, tenant_id: UUID, make_budget: MakeBudget
) -> None:
    budget = make_budget("1000")
    reserve(database, tenant_id, budget, "100", "a")
    assert ledger.release(database, tenant_id, "a", None, actor="test").available == 1000
    with pytest.raises(errors.AlreadyReleased):
        ledger.release(database, tenant_id, "a", None, actor="test")
    with pytest.raises(errors.NotFound):
        ledger.release(database, tenant_id, "nothing", None, actor="test")


def test_a_topup_raises_what_is_available_only(
    database: Database, tenant_id: UUID, make_budget: MakeBudget
) -> None:
    answer = funds.fund(
        database, tenant_id, make_budget("1000"), Decimal(500), "USD", reason="more", actor="test"
    )
    assert (answer.available, answer.balance) == (1500, 0)


def test_forty_contenders_for_twenty_places(
    database: Database, tenant_id: UUID, make_budget: MakeBudget
) -> None:
    budget = make_budget("10000")
    start = threading.Barrier(40)

    def contend(n: int) -> bool:
        start.wait()
        try:
            reserve(database, tenant_id, budget, "500", f"contender-{n}")
        except errors.InsufficientFunds:
            return False
        return True

    with ThreadPoolExecutor(40) as pool:
        won = sum(pool.map(contend, range(40)))
    assert won == 20
    with database.transaction(tenant_id) as session:
        found = reconcile(session, tenant_id, budget)
    assert found.stored == found.derived
    assert found.stored["reserved"] == 10000


def test_twenty_charges_of_one_reservation_make_one_entry(
    database: Database, tenant_id: UUID, make_budget: MakeBudget
) -> None:
    budget = make_budget("1000")
    reserve(database, tenant_id, budget, "100", "once")

    def end(n: int) -> str:
        act = ledger.charge if n % 2 else ledger.release
        try:
            act(database, tenant_id, "once", None, actor="test")
        except (errors.AlreadyCharged, errors.AlreadyReleased):
            return "late"
        return "won"

    with ThreadPoolExecutor(20) as pool:
        outcomes = list(pool.map(end, range(20)))
    assert outcomes.count("won") == 1
    with database.transaction(tenant_id) as session:
        assert reconcile(session, tenant_id, budget).entries == 3


def test_holds_past_their_expiry_are_let_go_once(
    database: Database, tenant_id: UUID, make_budget: MakeBudget
) -> None:
    budget = make_budget("1000")
    past = datetime.now(UTC) - timedelta(seconds=1)
    reserve(database, tenant_id, budget, "100", "old", expires_at=past)
    reserve(database, tenant_id, budget, "50", "new", expires_at=past + timedelta(hours=1))
    assert ledger.expire_holds(database, tenant_id) == 1
    assert ledger.expire_holds(database, tenant_id) == 0
    assert ledger.read_hold(database, tenant_id, "old").state == "expired"
    assert ledger.read_account(database, tenant_id, budget).balance == 50


MOVES = st.lists(
    st.tuples(
        st.sampled_from(["reserve", "charge", "release", "fund"]),
        st.integers(0, 5),
        st.integers(1, 40_000),
    ),
    max_size=25,
)


@settings(max_examples=25, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
@given(moves=MOVES)
def test_the_ledger_equals_a_model_of_it(
    database: Database, tenant_id: UUID, make_budget: MakeBudget, moves: list[tuple[str, int, int]]
) -> None:
    budget = make_budget("1000", department=f"d{uuid4()}")
    authorized, reserved, spent = Decimal(1000), Decimal(0), Decimal(0)
    holds: dict[str, Decimal] = {}
    unique = uuid4().hex
    for kind, slot, cents in moves:
        ref, amount = f"{unique}-{slot}", Decimal(cents) / 100
        try:
            if kind == "fund":
                funds.fund(database, tenant_id, budget, amount, "USD", reason="", actor="t")
                authorized += amount
            elif kind == "reserve" and ref not in holds:
                reserve(database, tenant_id, budget, str(amount), ref)
                assert reserved + spent + amount <= authorized
                holds[ref] = amount
                reserved += amount
            elif kind in {"charge", "release"} and ref in holds:
                act = ledger.charge if kind == "charge" else ledger.release
                act(database, tenant_id, ref, amount, actor="t")
                assert amount <= holds[ref]
                holds[ref] -= amount
                reserved -= amount
                spent += amount if kind == "charge" else 0
        except errors.InsufficientFunds:
            assert reserved + spent + amount > authorized
        except (errors.AmountExceedsReservation, errors.AlreadyCharged, errors.AlreadyReleased):
            assert amount > holds[ref]
    account = ledger.read_account(database, tenant_id, budget)
    assert (account.authorized, account.reserved, account.spent) == (authorized, reserved, spent)
    with database.transaction(tenant_id) as session:
        assert reconcile(session, tenant_id, budget).discrepancy == 0
        assert broken_budgets(session, tenant_id) == []


@pytest.mark.parametrize(
    "tampering",
    [
        "update ledger_entry set amount = amount + 1 where account_id = %(a)s and seq = 2",
        "update ledger_entry set actor = 'somebody else' where account_id = %(a)s and seq = 2",
        "delete from ledger_entry where account_id = %(a)s and seq = 2",
        "delete from ledger_entry where account_id = %(a)s and seq = 3",
        "update budget_account set reserved = 0 where id = %(a)s",
    ],
)
def test_tampering_is_named(
    database: Database,
    tenant_id: UUID,
    make_budget: MakeBudget,
    superuser: psycopg.Connection,
    tampering: str,
) -> None:
    budget = make_budget("1000")
    reserve(database, tenant_id, budget, "1")
    reserve(database, tenant_id, budget, "2")
    account = ledger.read_account(database, tenant_id, budget).account_id
    superuser.execute("set session_replication_role = replica")
    superuser.execute(tampering, {"a": account})
    superuser.commit()
    with database.transaction(tenant_id) as session:
        assert {found for found, _ in broken_budgets(session, tenant_id)} == {budget}


def test_a_frozen_budget_lets_go_of_what_is_overdue(
    database: Database, tenant_id: UUID, make_budget: MakeBudget
) -> None:
    budget = make_budget("1000")
    past = datetime.now(UTC) - timedelta(seconds=1)
    reserve(database, tenant_id, budget, "100", "old", expires_at=past)
    with database.transaction(tenant_id) as session:
        session.execute(text("update budget_account set frozen = true"))
    assert ledger.expire_holds(database, tenant_id) == 1
    assert ledger.read_account(database, tenant_id, budget).balance == 0
