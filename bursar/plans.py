"""Ways of reading that PostgreSQL is kept from, where it would choose them for want of numbers.

It has no statistics by tenant and expects a two-hundredth of a table, however large the tenant is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

Way = Literal["bitmapscan", "indexscan", "nestloop"]


@contextmanager
def without(session: Session, *ways: Way) -> Iterator[None]:
    """Plan what is asked inside without these ways, unless there is no other."""
    names = [f"enable_{way}" for way in ways]
    before = session.execute(select(*(func.current_setting(name) for name in names))).one()
    _set(session, dict.fromkeys(names, "off"))
    try:
        yield
    finally:
        # Where the server has refused something, they end with the transaction anyway.
        with suppress(DBAPIError):
            _set(session, dict(zip(names, before, strict=True)))


def _set(session: Session, settings: Mapping[str, str]) -> None:
    """For the rest of the transaction."""
    session.execute(select(*(func.set_config(name, to, True) for name, to in settings.items())))
