"""Ways of reading that PostgreSQL is kept from, where it would choose them for want of numbers.

It has no statistics by tenant and expects a two-hundredth of a table, however large the tenant is.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

Way = Literal["bitmapscan", "indexscan", "nestloop"]


@contextmanager
def without(session: Session, *ways: Way) -> Iterator[None]:
    """Plan what is asked inside without these ways, unless there is no other."""
    _switch(session, ways, "off")
    yield
    # After an error there is nothing to switch back: the settings end with the transaction.
    _switch(session, ways, "on")


def _switch(session: Session, ways: tuple[Way, ...], to: str) -> None:
    session.execute(select(*(func.set_config(f"enable_{way}", to, True) for way in ways)))
