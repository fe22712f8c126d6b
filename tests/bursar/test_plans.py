"""Ways of reading are closed for one question, and open again for the next."""

from uuid import UUID

from sqlalchemy import text

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
    with database.transaction(tenant_id) as session, without(session, "indexscan"):
        assert settings() == ["off", "on", "on"]
