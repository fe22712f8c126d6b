"""Lists of budgets with their money, and sums over them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from bursar.budgets import overview
from bursar.budgets.balances import BALANCE, live
from bursar.budgets.overview import Total
from bursar.errors import Fault, InvalidInput
from bursar.paging import Page, page, search
from schema.tables import Budget

_SEARCHED = ("department", "sub_category", "name", "account_code", "external_ref")
SEARCHED = 10_000  # budgets that a page of a search looks through
SORTED = 10_000  # budgets that are sorted by an amount at most
MANY = 5_000  # budgets whose accounts are read faster together than one by one
_BY_AMOUNT = ("budgeted_amount", "available")
BUDGET = Budget.__table__
_Columns = ReadOnlyColumnCollection[str, ColumnElement[Any]]


def list_balances(
    session: Session,
    *,
    department: str | None = None,
    sub_category: str | None = None,
    fiscal_period: str | None = None,
    source: str | None = None,
    import_id: UUID | None = None,
    status: str | None = None,
    kind: str | None = None,
    q: str | None = None,
    sort: str = "-created_at",
    limit: int = 50,
    cursor: str | None = None,
) -> Page:
    """A page of live budgets. Department and sub-category are compared as the natural key is.

    With `q` a page looks through SEARCHED budgets: it may be short and have a next all the same.
    Raises InvalidInput, also for more than SORTED budgets by an amount, and InvalidCursor.
    """
    name = sort.lstrip("-")
    exact = {
        "fiscal_period": fiscal_period, "source": source, "import_id": import_id,
        "status": status, "kind": kind,
    }  # fmt: skip
    ordered: dict[str, Any] = {"sort": sort, "limit": limit, "cursor": cursor}
    if q and name not in _BY_AMOUNT:
        # Without the accounts, which are looked up for those alone that are found.
        of_budgets = select(BUDGET).where(BUDGET.c.deleted_at.is_(None))
        found = search(
            session,
            _filtered(of_budgets, BUDGET.c, department, sub_category, **exact),
            lambda columns: _has(columns, q),
            within=SEARCHED, columns=_sorts(BUDGET.c), key=_key(BUDGET.c, name), **ordered,
        )  # fmt: skip
        balances = session.execute(live().where(BALANCE.c.id.in_([one.id for one in found.rows])))
        of = {row.id: row for row in balances}
        return Page([of[one.id] for one in found.rows if one.id in of], found.next_cursor)
    query = _filtered(live(), BALANCE.c, department, sub_category, **exact)
    if name in _BY_AMOUNT:
        _refuse_many(session, query, name)
    if q:
        query = query.where(_has(BALANCE.c, q))
    return page(session, query, columns=SORTS, key=_key(BALANCE.c, name), **ordered)


def _sorts(columns: _Columns) -> dict[str, ColumnElement[Any]]:
    """What budgets are sorted by where their money does not matter."""
    return {
        "created_at": columns["created_at"],
        "department": columns["department_key"],
        "fiscal_period": columns["fiscal_period"],
    }


def _key(columns: _Columns, sort: str) -> tuple[ColumnElement[Any], ...]:
    """What orders equals: in a period the newest are beside each other, as in its index."""
    newest = (columns["created_at"], columns["id"])
    return newest if sort == "fiscal_period" else newest[-1:]


SORTS = _sorts(BALANCE.c) | {
    "budgeted_amount": BALANCE.c.authorized,
    "available": BALANCE.c.available,
}


def _refuse_many(session: Session, query: Select[Any], sort: str) -> None:
    """No index has them in the order of amounts that change with each posting."""
    if _more_than(session, query.with_only_columns(BALANCE.c.id), SORTED):
        said = f"More than {SORTED:,} budgets fit; by {sort} no more than that are sorted."
        fault = Fault("/sort", "too_many_to_sort", "Narrow the list, or sort by something else.")
        raise InvalidInput(said, faults=[fault])


def _more_than(session: Session, ids: Select[tuple[UUID]], count: int) -> bool:
    return session.execute(ids.offset(count).limit(1)).first() is not None


def _filtered(
    query: Select[Any],
    columns: _Columns,
    department: str | None,
    sub_category: str | None = None,
    **exact: object,
) -> Select[Any]:
    if department is not None:
        query = query.where(columns["department_key"] == func.lower(func.btrim(department)))
    if sub_category is not None:
        query = query.where(columns["sub_category_key"] == func.lower(func.btrim(sub_category)))
    for name, value in exact.items():
        if value is not None:
            query = query.where(columns[name] == value)
    return query


def _has(columns: _Columns, q: str) -> ColumnElement[bool]:
    """Whether a budget has a text in what it is called."""
    like = "%" + q.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    return or_(*(columns[name].ilike(like) for name in _SEARCHED))


def totals(
    session: Session,
    *,
    department: str | None = None,
    fiscal_period: str | None = None,
    import_id: UUID | None = None,
    status: str | None = None,
    q: str | None = None,
) -> list[Total]:
    """What the budgets that fit come to, by currency. The filters are those of `list_balances`."""
    if not (department or fiscal_period or import_id or status or q):
        return overview.totals(session)
    query = select(BUDGET.c.id).where(BUDGET.c.deleted_at.is_(None))
    query = _filtered(
        query, BUDGET.c, department,
        fiscal_period=fiscal_period, import_id=import_id, status=status,
    )  # fmt: skip
    if q:
        query = query.where(_has(BUDGET.c, q))
    # A search is not asked twice; it reads more than the accounts of what it finds.
    many = not q and _more_than(session, query, MANY)
    return overview.totals(session, query, many=many)
