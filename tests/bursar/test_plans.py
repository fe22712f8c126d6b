"""Ways of reading are closed for one question, and open again for the next."""

from contextlib import suppress
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DataError

from bursar.database import Database
from bursar.plans import without


def test_a_way_is_closed_inside_only(database: Database, tenant_id: UUID) -> None:
    with database.transaction(tenant_id) as session:

        def settings() -> list[str]:
            names = ("enable_indexscan", "enable_nestloop", "enable_bitmapscan")
            return [str(session.execute(text(f"show {name}")).scalar()) for name in names]

        before = settings()
        with without(session, "indexscan", "nestloop"):
            assert settings() == ["off", "off", "on"]
        assert settings() == before == ["on", "on", "on"]
        with without(session, "bitmapscan"):
            assert settings() == ["on", "on", "off"]
        session.execute(text("set local enable_nestloop = off"))
        with suppress(ValueError), without(session, "nestloop", "bitmapscan"):
            raise ValueError
        assert settings() == ["on", "off", "on"]


def test_an_error_of_the_server_is_told_as_it_is(database: Database, tenant_id: UUID) -> None:
    with (
        pytest.raises(DataError, match="division by zero"),
        database.transaction(tenant_id) as session,
        without(session, "nestloop"),
    ):
        session.execute(text("select 1 / 0"))
