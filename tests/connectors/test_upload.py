"""An upload as a source of one file."""

import io
from pathlib import Path
from uuid import UUID

import pytest

from bursar import files
from bursar.config import settings
from bursar.database import Database
from bursar.errors import EmptyFile, TooLarge
from connectors import CONNECTORS, Upload, connector_class
from connectors.intake import take_in


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(settings(), "file_store", tmp_path)
    return tmp_path


def test_every_connector_is_known_by_its_own_word() -> None:
    assert all(connector_class(word).type == word for word in CONNECTORS)


def test_the_bytes_are_kept_under_their_hash(database: Database, tenant_id: UUID) -> None:
    with database.transaction(tenant_id, "test") as session:
        source = Upload("../../etc/budget.csv", io.BytesIO(b"a,b\n1,2\n"))
        (stored,) = take_in(session, tenant_id, source, "test", limit_bytes=100)
    assert stored.name == "budget.csv"
    assert files.open_path(stored).read_bytes() == b"a,b\n1,2\n"


@pytest.mark.parametrize(("content", "error"), [(b"x" * 101, TooLarge), (b"", EmptyFile)])
def test_what_is_refused_leaves_nothing_behind(
    database: Database, tenant_id: UUID, store: Path, content: bytes, error: type[Exception]
) -> None:
    source = Upload("b.csv", io.BytesIO(content))
    with pytest.raises(error), database.transaction(tenant_id, "test") as session:
        take_in(session, tenant_id, source, "test", limit_bytes=100)
    assert [path for path in store.rglob("*") if path.is_file()] == []
