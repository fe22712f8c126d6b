"""What the tables of the ledger refuse by themselves, and what their functions promise of rows."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import psycopg
import pytest

from tests.conftest import MakeBudget

HOLD = (
    "insert into hold (tenant_id, account_id, budget_id, ref_type, ref_id, amount, charged)"
    " select tenant_id, id, budget_id, 'rules', 'r', {amount}, {charged} from budget_account"
    " where budget_id = %(budget)s"
)
ENTRY = (
    "insert into ledger_entry (tenant_id, account_id, seq, kind, from_bucket, to_bucket, amount,"
    " actor, hash) select tenant_id, id, 9, {kind}, 'available', {to}, {amount}, 'test', ''"
    " from budget_account where budget_id = %(budget)s"
)
ACCOUNT = "update budget_account set {change} where budget_id = %(budget)s"
CHANGE = "update hold set {change} where ref_type = 'rules'"


@pytest.mark.parametrize(
    "statement",
    [
        HOLD.format(amount="0", charged="0"),
        HOLD.format(amount="1", charged="-1"),
        ENTRY.format(kind="'reserve'", to="'reserved'", amount="0"),
        ENTRY.format(kind="'reserve'", to="'elsewhere'", amount="1"),
        ENTRY.format(kind="'invent'", to="'reserved'", amount="1"),
        ACCOUNT.format(change="reserved = -1"),
        ACCOUNT.format(change="committed = -0.01"),
        ACCOUNT.format(change="control_mode = 'some'"),
        "select ledger_append(a, 'adjust', 'spent', 'spent', 1, null, null, 'test', null)"
        " from budget_account a where budget_id = %(budget)s",
    ],
)
def test_no_row_breaks_the_rules(
    superuser: psycopg.Connection, make_budget: MakeBudget, statement: str
) -> None:
    with pytest.raises(psycopg.errors.CheckViolation):
        superuser.execute(statement, {"budget": make_budget("10")})


@pytest.mark.parametrize(
    "change",
    ["charged = 11", "released = -1", "charged = 6, released = 5", "refunded = 5", "amount = 3"],
)
def test_no_more_of_a_hold_is_used_up_than_it_held(
    superuser: psycopg.Connection, make_budget: MakeBudget, change: str
) -> None:
    superuser.execute(HOLD.format(amount="10", charged="4"), {"budget": make_budget("10")})
    superuser.execute(CHANGE.format(change="charged = 4, released = 6, refunded = 4"))
    superuser.execute(CHANGE.format(change="released = 0, refunded = 0"))
    with pytest.raises(psycopg.errors.CheckViolation):
        superuser.execute(CHANGE.format(change=change))


@pytest.mark.parametrize("previous", [None, bytes(32)], ids=["the first", "a later one"])
@pytest.mark.parametrize(
    ("reference", "reason", "moment", "seconds"),
    [
        ("plain", None, datetime(2026, 1, 1, tzinfo=UTC), "1767225600.000000"),
        ("a\\b\\\\", "ünï \\x41 ☃", datetime(1969, 12, 31, 23, 59, 59, 5, UTC), "-0.999995"),
        (None, "", datetime(2026, 3, 29, 1, 30, 0, 120, UTC), "1774747800.000120"),
    ],
)
def test_a_hash_covers_the_same_bytes_as_ever(
    superuser: psycopg.Connection,
    previous: bytes | None,
    reference: str | None,
    reason: str | None,
    moment: datetime,
    seconds: str,
) -> None:
    """Chains are verified against hashes of years ago, so their content is written out here."""
    one, other = UUID(int=1), UUID(int=2)
    covered = "\x1f".join(
        (
            str(one),
            str(other),
            "7",
            "reserve",
            "available",
            "reserved",
            "12.5000",
            "" if reference is None else "reservation",
            reference or "",
            str(one),
            "someone",
            reason or "",
            seconds,
            seconds,
        )
    )
    row = superuser.execute(
        "select ledger_entry_hash(%s, %s, %s, 7, 'reserve', 'available', 'reserved', %s, %s, %s,"
        " %s, 'someone', %s, %s, %s)",
        (
            previous, one, other, Decimal("12.5"), reference and "reservation", reference, one,
            reason, moment, moment,
        ),
    ).fetchone()  # fmt: skip
    assert row == (hashlib.sha256((previous or b"") + covered.encode()).digest(),)


def test_a_reference_that_is_taken_leaves_the_account_as_it_was(
    superuser: psycopg.Connection, tenant_id: UUID, make_budget: MakeBudget
) -> None:
    first, second = make_budget("10", department="first"), make_budget("10", department="second")

    def ask(budget: UUID) -> tuple[object, ...] | None:
        return superuser.execute(
            "select code, replayed from ledger_reserve(%s, %s, 1, 'USD', 'rules', 'r', null, 't')",
            (tenant_id, budget),
        ).fetchone()

    def accounts() -> list[tuple[object, ...]]:
        return superuser.execute(
            "select a::text from budget_account a where budget_id = any (%s) order by id",
            ([first, second],),
        ).fetchall()

    assert ask(first) == ("ok", False)
    before = accounts()
    assert ask(second) == ("reference_reused", False)
    assert ask(first) == ("ok", True)
    assert accounts() == before
    assert superuser.execute("select * from ledger_verify(%s)", (tenant_id,)).fetchall() == []


@pytest.mark.parametrize(
    ("caps", "amount", "code"),
    [
        ("tolerance_pct = 50", "15", "ok"),
        ("tolerance_pct = 50", "15.01", "insufficient_funds"),
        ("tolerance_pct = 50, hard_cap_amount = 12", "12.01", "insufficient_funds"),
        ("tolerance_pct = -50", "5.01", "insufficient_funds"),
        ("hard_cap_amount = 7", "7.01", "insufficient_funds"),
        ("authorized = -10, spent = -20, tolerance_pct = 50", "5", "ok"),
        ("authorized = -10, spent = -20, tolerance_pct = 50", "5.01", "insufficient_funds"),
        ("authorized = 0", "0.01", "insufficient_funds"),
    ],
)
def test_no_reservation_passes_the_limit_whichever_way_it_goes(
    superuser: psycopg.Connection, tenant_id: UUID, make_budget: MakeBudget, caps: str,
    amount: str, code: str,
) -> None:  # fmt: skip
    budget = make_budget("10")
    superuser.execute(ACCOUNT.format(change=caps), {"budget": budget})
    answer = superuser.execute(
        "select code from ledger_reserve(%s, %s, %s, 'USD', 'rules', 'limit', null, 't')",
        (tenant_id, budget, amount),
    ).fetchone()
    assert answer == (code,)


@pytest.mark.parametrize(
    ("amount", "flags"), [("7.99", (False, False)), ("8", (True, False)), ("9.50", (True, True))]
)
def test_a_reservation_tells_which_caps_it_has_reached(
    superuser: psycopg.Connection, tenant_id: UUID, make_budget: MakeBudget, amount: str,
    flags: tuple[bool, bool],
) -> None:  # fmt: skip
    query = (
        "select soft_cap_exceeded, hard_cap_approaching, utilization_percent, available"
        " from ledger_reserve(%s, %s, %s, 'USD', 'rules', 'caps', null, 't')"
    )
    told = superuser.execute(query, (tenant_id, make_budget("10"), amount)).fetchone()
    assert told == (*flags, Decimal(amount) * 10, 10 - Decimal(amount))
