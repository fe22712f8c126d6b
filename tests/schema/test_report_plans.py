"""Reports read the entries of their span, and not the history before it or of other accounts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.conftest import MakeBudget

# Half an hour apart from each other, the last one just now.
ENTRIES = """
insert into ledger_entry (tenant_id, account_id, seq, recorded_at, effective_at, kind, from_bucket,
                          to_bucket, amount, ref_type, ref_id, actor, hash)
select a.tenant_id, a.id, n + 1, m, m, 'fund', 'external', 'available', 1, 'planned',
       a.id || 'r' || n / 2, 'test', ''
  from budget_account a, generate_series(1, 10000) n,
       lateral (select now() - (10000 - n) * interval '30 minutes') t (m)
 where a.tenant_id = %s
"""


@pytest.fixture
def budgets(
    make_budget: MakeBudget, superuser: psycopg.Connection, tenant_id: UUID
) -> Iterator[list[UUID]]:
    """Five budgets with 10,000 entries each, seen by the superuser's connection only."""
    made = [make_budget("1", department=f"D{n}") for n in range(5)]
    superuser.execute(ENTRIES, (tenant_id,))
    superuser.execute("analyze ledger_entry")
    yield made
    superuser.rollback()


def entries_read(
    connection: psycopg.Connection,
    query: str,
    names: dict[str, object],
    table: str = "ledger_entry",
) -> int:
    """How many entries a query looks at, those that it throws away included."""
    (row,) = connection.execute("explain (analyze, timing off, format json) " + query, names)
    return round(
        sum(
            (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
            for node in _nodes(row[0][0]["Plan"])
            if str(node.get("Relation Name", "")).startswith(table)
        )
    )


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from _nodes(child)


def test_a_budget_report_reads_its_span(
    budgets: list[UUID], superuser: psycopg.Connection, tenant_id: UUID
) -> None:
    query = (
        "select * from report_budgets(%(t)s, now() - interval '10 days', now() + interval '1 day',"
        " 'infinity', %(b)s)"
    )
    assert entries_read(superuser, query, {"t": tenant_id, "b": budgets[0]}) <= 482


def test_a_tenant_report_reads_its_span(
    budgets: list[UUID], superuser: psycopg.Connection, tenant_id: UUID
) -> None:
    query = "select * from report_budgets(%(t)s, now() - interval '10 days', now())"
    assert entries_read(superuser, query, {"t": tenant_id}) <= 5 * 482


def test_sums_by_day_of_a_budget_read_its_span(
    budgets: list[UUID], superuser: psycopg.Connection, tenant_id: UUID
) -> None:
    query = "select * from report_daily(%(t)s, now() - interval '10 days', now(), 'UTC', %(b)s)"
    assert entries_read(superuser, query, {"t": tenant_id, "b": budgets[0]}) <= 482


def test_an_export_of_a_budget_reads_its_span(
    budgets: list[UUID], superuser: psycopg.Connection, tenant_id: UUID
) -> None:
    query = "select * from report_entries(%(t)s, now() - interval '10 days', now(), %(b)s)"
    assert entries_read(superuser, query, {"t": tenant_id, "b": budgets[0]}) <= 482


def test_a_reference_is_found_by_its_index(
    budgets: list[UUID], superuser: psycopg.Connection, tenant_id: UUID
) -> None:
    (account,) = superuser.execute(
        "select id from budget_account where budget_id = %s", (budgets[0],)
    )
    query = (
        "select * from ledger_entry where tenant_id = %(t)s and ref_type = 'planned'"
        " and ref_id = %(r)s and ref_type <> 'import' order by recorded_at, account_id, seq"
        " limit 51"
    )
    assert entries_read(superuser, query, {"t": tenant_id, "r": f"{account[0]}r77"}) == 2


def test_a_page_of_entries_reads_that_page(
    budgets: list[UUID], superuser: psycopg.Connection, tenant_id: UUID
) -> None:
    """However far down the list it is."""
    (account,) = superuser.execute(
        "select id from budget_account where budget_id = %s", (budgets[0],)
    )
    query = (
        "select * from ledger_entry where tenant_id = %(t)s and account_id = %(a)s"
        " and seq between %(s)s - 49 and %(s)s order by seq desc"
    )
    for seq in (10_001, 5000, 100):
        names = {"t": tenant_id, "a": account[0], "s": seq}
        assert entries_read(superuser, query, names) == 50, seq


def test_the_entries_of_a_span_are_found_by_halving(
    budgets: list[UUID], superuser: psycopg.Connection, tenant_id: UUID
) -> None:
    superuser.execute("select set_config('bursar.tenant', %s, true)", (str(tenant_id),))
    superuser.execute(
        "update budget_account set entry_seq = 10001 where tenant_id = %s", (tenant_id,)
    )
    for days in (0, 1, 10, 200, 3000):
        (row,) = superuser.execute(
            "select ledger_seq_before(id, now() - %(d)s * interval '1 day'), (select count(*)"
            " from ledger_entry where account_id = a.id and seq > 1"
            " and recorded_at < now() - %(d)s * interval '1 day')"
            " from budget_account a where budget_id = %(b)s",
            {"d": days, "b": budgets[0]},
        )
        assert row[0] in (row[1], row[1] + 1), days


def test_trapped_money_is_learned_from_its_share_of_the_past(
    budgets: list[UUID], superuser: psycopg.Connection, tenant_id: UUID
) -> None:
    """Of many holds that ended long ago none is read, of those that are open each once."""
    superuser.execute(
        "insert into hold (created_at, tenant_id, account_id, budget_id, ref_type, ref_id, amount,"
        " state, charged) select case when n > 20 then timestamptz '2019-01-01' else now() end,"
        " tenant_id, id, budget_id, 'planned', id || 'h' || n, 1,"
        " case when n > 10 then 'charged' else 'open' end, (n > 10)::int"
        " from budget_account a, generate_series(1, 2000) n where tenant_id = %s",
        (tenant_id,),
    )
    superuser.execute("update budget_account set reserved = 10 where tenant_id = %s", (tenant_id,))
    superuser.execute("analyze hold")
    query = "select * from report_trapped(%(t)s, '2024-05-31', now())"
    assert entries_read(superuser, query, {"t": tenant_id}, "hold") <= 5 * (10 + 20)
