"""What goes into the staging table comes out as it was; long statements tell and end."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import text

from bursar.config import settings
from bursar.database import Database
from bursar.errors import ImportTimedOut
from bursar.importing.cleaning.rows import BudgetRow, CellError, RejectedRow
from bursar.importing.load import limited_statements, stage, told_rows


def row(number: int, department: str, notes: str | None = None) -> BudgetRow:
    more = (None, None, None, None, None, notes, None, "12.50", None, None)
    return BudgetRow(number, department, None, "FY2025", "USD", *more)


@pytest.mark.parametrize(
    "odd",
    [
        "tab\tand\\backslash", 'a "quoted" word', "one\n\\.\ntwo", "\\N", "\\", "a\\\nb", "null",
        "שלום 予算 \U0001f4b0", "'", ",;|", "\x1f\x7f", "\u2028",
    ],
)  # fmt: skip
def test_texts_are_staged_as_they_are(database: Database, tenant_id: UUID, odd: str) -> None:
    with database.transaction(tenant_id) as session:
        stage(session, [row(2, odd, odd), row(3, "next")], lambda _: None)
        found = session.execute(
            text("select department, notes, sub_category, amount from import_staging order by 1")
        ).all()
    assert sorted(found) == sorted([(odd, odd, None, 12.5), ("next", None, None, 12.5)])


def test_ends_of_lines_are_one_and_nul_is_dropped(database: Database, tenant_id: UUID) -> None:
    refused = RejectedRow(4, None, ("a\0b", "\r\n"), (CellError("A", "\0", "bad", "x\\u0000y"),))
    with database.transaction(tenant_id) as session:
        stage(session, [row(2, "a\0b", "one\r\ntwo\rthree\\\r"), refused], lambda _: None)
        first, second = session.execute(
            text("select department, notes, cells, errors from import_staging order by row_no")
        )
    assert first[:2] == ("ab", "one\ntwo\nthree\\\n")
    assert second.cells == ["ab", "\r\n"]
    assert (second.errors[0]["value"], second.errors[0]["detail"]) == ("", "x\\u0000y")


def test_rows_of_one_line_are_told_apart_by_their_part(database: Database, tenant_id: UUID) -> None:
    with database.transaction(tenant_id) as session:
        heard: list[int] = []
        assert stage(session, [row(2, "a"), row(2, "b"), row(3, "c")], heard.append) == 3
        parts = session.execute(text("select row_no, part from import_staging order by 1, 2")).all()
    assert parts == [(2, 0), (2, 1), (3, 0)]
    assert heard[-1] == 3


def test_a_long_statement_tells_how_far_it_is(database: Database, tenant_id: UUID) -> None:
    heard: list[int] = []
    count = text("select count(*) from generate_series(1, 60000) n where import_tell(n)")
    with database.transaction(tenant_id) as session:
        with told_rows(session, heard.append):
            assert session.execute(count).scalar_one() == 60_000
        session.execute(count)
    assert heard == [20_000] * 3


def test_a_statement_ends_when_its_time_is_over(
    database: Database, tenant_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings(), "import_timeout_seconds", 1)
    with (
        pytest.raises(ImportTimedOut, match="1 seconds"),
        database.transaction(tenant_id) as session,
        limited_statements(session),
    ):
        session.execute(text("select pg_sleep(30)"))
    with database.transaction(tenant_id) as session:
        assert session.execute(text("show statement_timeout")).scalar_one() == "0"
