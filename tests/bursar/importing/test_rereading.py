"""Reading the last imported files again, as after a change of the reader."""

from __future__ import annotations

import io
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text

from bursar import files
from bursar.config import settings
from bursar.database import Database
from bursar.importing import runs
from bursar.importing.applying import run_import
from bursar.importing.rereading import reread_last
from bursar.importing.runs import Wish, record_failure
from bursar.jobs import runner

FILE = b"Department,Sub Category,Fiscal Year,Budget\nOps,Fuel,FY2026,1.50\nOps,Food,FY2026,lots\n"


@pytest.fixture
def loaded(
    database: Database, tenant_id: UUID, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> UUID:
    monkeypatch.setattr(settings(), "file_store", tmp_path)
    with database.transaction(tenant_id, "test") as session:
        stored = files.receive(session, tenant_id, "b.csv", io.BytesIO(FILE), "test", 1 << 20)
        run = runs.request_import(session, tenant_id, stored.id, Wish(mode="skip_errors"), "test")
        job = runs.start(session, run, "imports.run", "test", None).job_id
    assert runner.run(database, tenant_id, job, run_import, record_failure) == "succeeded"
    return tenant_id


def test_the_same_reader_reads_the_same(database: Database, loaded: UUID) -> None:
    with database.transaction(loaded, "test") as session:
        found = reread_last(session, 12)
    assert (found["files"], found["changed_rows"]) == (1, 0)


def test_what_is_read_otherwise_is_named_row_by_row(database: Database, loaded: UUID) -> None:
    with database.transaction(loaded, "test") as session:
        session.execute(text("update import_row set amount = 15 where row_no = 2"))
        found = reread_last(session, 12)
        session.rollback()
    assert found["changed_files"] == 1
    (change,) = found["changes"]
    (row,) = change["examples"]
    assert (row["row"], row["before"][0]["amount"][:2], row["after"][0]["amount"]) == (
        2, "15", "1.50",
    )  # fmt: skip


def test_a_file_that_no_longer_reads_is_named(
    database: Database, loaded: UUID, tmp_path: Path
) -> None:
    for path in tmp_path.rglob("*"):
        if path.is_file():
            path.write_bytes(b"")
    with database.transaction(loaded, "test") as session:
        found = reread_last(session, 12)
    assert found["changes"][0]["detail"].startswith("No longer imports")
