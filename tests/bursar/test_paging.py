"""Searching page by page: each match once, and the search goes on where no index helps."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import event, select

from bursar.database import Database
from bursar.paging import search
from schema.tables import Budget
from tests.conftest import MakeBudget

TABLE = Budget.__table__


@pytest.mark.parametrize("sort", ["name", "-name"])
@pytest.mark.parametrize(("within", "limit"), [(1, 1), (3, 1), (3, 2), (4, 50), (12, 5), (100, 50)])
def test_each_match_is_found_once(
    database: Database, tenant_id: UUID, make_budget: MakeBudget, sort: str, within: int, limit: int
) -> None:
    names = [f"{n:02} {'found' if n in (0, 4, 5, 6, 11) else 'other'}" for n in range(12)]
    for name in names:
        make_budget("1", department=name, name=name)
    seen: list[str] = []
    cursor, pages = None, 0
    with database.transaction(tenant_id, "test") as session:
        sent: list[str] = []
        event.listen(session.connection(), "before_cursor_execute", lambda *a: sent.append(a[2]))
        while cursor is not None or not pages:
            found = search(
                session,
                select(TABLE),
                lambda columns: columns["name"].contains("found"),
                within=within,
                columns={"name": TABLE.c.name},
                key=TABLE.c.id,
                sort=sort,
                limit=limit,
                cursor=cursor,
            )
            assert len(found.rows) <= min(limit, within)
            seen += [row.name for row in found.rows]
            cursor, pages = found.next_cursor, pages + 1
        # The search itself; around it the planner is told what to leave.
        assert len([one for one in sent if "FROM budget" in one]) == pages
    wanted = [name for name in names if "found" in name]
    assert seen == (wanted if sort == "name" else wanted[::-1])


def test_an_end_without_a_match_is_an_end(
    database: Database, tenant_id: UUID, make_budget: MakeBudget
) -> None:
    make_budget("1")
    with database.transaction(tenant_id, "test") as session:
        found = search(
            session,
            select(TABLE),
            lambda columns: columns["name"] == "nothing",
            within=5,
            columns={"name": TABLE.c.name},
            key=TABLE.c.id,
            sort="name",
        )
    assert (found.rows, found.next_cursor) == ([], None)
