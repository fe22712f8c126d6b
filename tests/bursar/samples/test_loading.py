"""Loading sample data, and what it comes to."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from sqlalchemy import select

from bursar import alerts
from bursar.budgets import listing, overview
from bursar.budgets.editing import NewBudget, create_budget
from bursar.database import Database
from bursar.errors import SamplesPresent
from bursar.fiscal import fiscal_year
from bursar.jobs.rows import get_job
from bursar.reports.ranges import Calendar
from bursar.samples import loading, spending
from bursar.samples.standing import standing
from bursar.tenants import create_tenant, get_tenant
from schema.tables import Hold, ImportRun
from tests.conftest import MakeBudget

Load = Callable[[], ImportRun]


def test_sample_data_shows_what_a_company_would(
    load: Load, database: Database, tenant_id: UUID
) -> None:
    run = load()
    assert (run.state, run.source_type, run.created_rows) == ("completed", "sample", 15)
    with database.transaction(tenant_id) as session:
        (total,) = overview.totals(session)
        assert (total.currency, total.authorized) == ("USD", Decimal(1396000))
        assert min(total.reserved, total.committed) > 0
        found = listing.list_balances(session, limit=50).rows
        assert {one.source for one in found} == {"sample"}
        used = {(one.department, one.sub_category): one.utilization_percent for one in found}
        assert round(used["Marketing (sample)", "Advertising"]) == 97
        assert round(used["Engineering (sample)", "Cloud hosting"]) == 84
        told = [alert.type for alert in overview.in_need(session)[0].alerts]
        assert "threshold_exceeded" in told
        assert standing(session).state == "there"  # type: ignore[union-attr]


def test_sample_data_is_loaded_once(load: Load, database: Database, tenant_id: UUID) -> None:
    load()
    with pytest.raises(SamplesPresent), database.transaction(tenant_id, "test") as session:
        loading.request_load(session, tenant_id, "test")


def test_using_it_twice_adds_nothing(
    load: Load, database: Database, tenant_id: UUID, work_off: Callable[[], list[str]]
) -> None:
    load()
    with database.transaction(tenant_id, "test") as session:
        before = overview.totals(session)
        found = standing(session)
        assert found is not None
        job = get_job(session, found.job_id)
        job.state, job.max_attempts = "queued", 5
    assert work_off() == ["samples.spend"]
    with database.transaction(tenant_id) as session:
        assert overview.totals(session) == before


def test_a_tenant_s_own_calendar_and_currency_are_kept(database: Database, app: object) -> None:
    yen = create_tenant(
        database, "Kaigan", base_currency="JPY", allowed_currencies=("JPY",),
        time_zone="Asia/Tokyo", fiscal_start_month=4,
    )  # fmt: skip
    with database.transaction(yen, "test") as session:
        calendar = Calendar.of(get_tenant(session))
        year = calendar.fiscal_year_of(calendar.day_of(datetime.now(UTC)))
        run, _ = loading.request_load(session, yen, "test")
        assert run.defaults == {"currency": "JPY", "fiscal_period": year.code}


def test_own_budgets_of_the_same_names_are_left_alone(
    make_budget: MakeBudget, database: Database, tenant_id: UUID,
    work_off: Callable[[], list[str]],
) -> None:  # fmt: skip
    year = fiscal_year(datetime.now(UTC).year)
    own = NewBudget("Finance (sample)", year.code, Decimal(7), "USD", "Insurance")
    with database.transaction(tenant_id, "test") as session:
        create_budget(session, tenant_id, own, "test")
        loading.request_load(session, tenant_id, "test")
    assert work_off() == ["imports.run"]
    with database.transaction(tenant_id, "test") as session:
        assert [one.authorized for one in overview.totals(session)] == [Decimal(7)]
        found = standing(session)
        assert found is not None
        assert (found.state, found.problem) == ("failed", loading.SamplesCollide.title())
        loading.request_load(session, tenant_id, "test")  # may be tried again


def test_invoices_come_through_the_year() -> None:
    first = date(2026, 1, 1)
    assert spending.invoice_days(first, first, 0) == [first]
    assert spending.invoice_days(first, date(2026, 1, 8), 1) == [date(2026, 1, 8)]
    assert spending.invoice_days(first, date(2026, 1, 9), 1) == [date(2026, 1, 8)]
    days = spending.invoice_days(first, date(2026, 12, 31), 2)
    assert (len(days), days[0], days[-1]) == (12, date(2026, 1, 15), date(2026, 12, 11))


def test_every_named_use_is_of_a_budget_of_the_spreadsheet(load: Load, database: Database,
    tenant_id: UUID) -> None:  # fmt: skip
    load()
    with database.transaction(tenant_id) as session:
        found = {(one.department, one.sub_category)
                 for one in listing.list_balances(session, limit=50).rows}  # fmt: skip
        assert set(spending.USES) - found == set()
        held = session.execute(select(Hold.stage).distinct()).scalars()
        assert set(held) == {"reserved", "committed"}
        assert alerts.list_alerts(session, state="open").rows


def test_of_two_who_press_at_once_one_loads(
    database: Database, tenant_id: UUID, app: object
) -> None:
    def press(_number: int) -> str:
        try:
            with database.transaction(tenant_id, "test") as session:
                loading.request_load(session, tenant_id, "test")
        except SamplesPresent:
            return "refused"
        return "loaded"

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(press, range(4))) == ["loaded", "refused", "refused", "refused"]
