"""A source of a real SFTP server, whose runs and imports are carried out in this process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr
from sqlalchemy import select, text

from bursar.config import settings
from bursar.database import Database
from bursar.importing.applying import apply_plan, run_import
from bursar.importing.runs import record_failure
from bursar.jobs import runner
from bursar.jobs.rows import Bell
from bursar.sources import editing, outcomes
from bursar.sources.editing import NewSource
from bursar.sources.judging import may_apply
from bursar.sources.scheduling import start_run
from connectors.syncing import sync
from schema.tables import Alert, Source, SourceFile, SourceRun
from tests.connectors.peers.sftp_servers import AsyncSsh
from tests.connectors.test_sftp import Folder

HEAD = "Department,Sub Category,Fiscal Year,Budget\n"


class Feed:
    """A source and the folder that it reads, and everything that its jobs do."""

    def __init__(
        self, database: Database, tenant_id: UUID, folder: Any, kind: str = "sftp", **more: Any
    ) -> None:
        self.database, self.tenant_id, self.folder = database, tenant_id, folder
        config, secret = folder.settings()
        new = NewSource(
            f"Feed {uuid4().hex[:6]}", kind, config, secret,
            **{"settle_seconds": 0, "drift_policy": "ask"} | more,
        )  # fmt: skip
        with database.transaction(tenant_id, "test") as session:
            self.id = editing.create_source(session, tenant_id, new, "test").id

    def put(self, name: str, rows: str, head: str = HEAD) -> None:
        self.folder.put(name, [line.split(",") for line in (head + rows).strip().splitlines()])

    def sync(self, trigger: str = "manual") -> SourceRun:
        """Run the source and all that comes of it."""
        with self.database.transaction(self.tenant_id, "test") as session:
            source = editing.get_source(session, self.id, lock=True)
            run, bell = start_run(session, source, trigger, "test")
        assert run is not None
        assert bell is not None
        self.work(bell)
        return self.one(SourceRun, SourceRun.id == run.id)

    def work(self, bell: Bell) -> str:
        """What workers do with a bell, and with those that come of it."""
        rung: list[Bell] = []
        works: dict[str, Any] = {
            "sources.sync": (lambda lease: sync(lease, rung.append), outcomes.record_failure),
            "imports.run": (lambda lease: run_import(lease, may_apply), record_failure),
            "imports.apply": (apply_plan, record_failure),
        }
        ended = runner.run(self.database, bell.tenant_id, bell.job_id, *works[bell.kind])
        with self.database.transaction(self.tenant_id, "system") as session:
            rung += outcomes.follow_imports(session, self.tenant_id)
        for one in rung:
            self.work(one)
        return ended

    def one(self, table: Any, *which: Any) -> Any:
        (found,) = self.all(table, *which)
        return found

    def all(self, table: Any, *which: Any) -> list[Any]:
        with self.database.transaction(self.tenant_id) as session:
            return list(session.execute(select(table).where(*which)).scalars())

    def source(self) -> Source:
        found: Source = self.one(Source, Source.id == self.id)
        return found

    def files(self) -> dict[str, str]:
        """The state of the newest revision of each file, by name."""
        files = sorted(self.all(SourceFile), key=lambda file: file.created_at)
        return {Path(file.path).name: file.state for file in files}

    def budgets(self) -> dict[str, str]:
        with self.database.transaction(self.tenant_id) as session:
            rows = session.execute(
                text(
                    "select b.department || '/' || coalesce(b.sub_category, '') as name,"
                    " a.authorized from budget b join budget_account a"
                    " on a.tenant_id = b.tenant_id and a.budget_id = b.id"
                    " where b.deleted_at is null"
                )
            ).all()
            return {row.name: f"{row.authorized:.2f}" for row in rows}

    def alerts(self) -> list[str]:
        """Types of the alerts that are not resolved, in order."""
        return sorted(alert.type for alert in self.all(Alert, Alert.state != "resolved"))


@pytest.fixture(scope="session")
def feed_server() -> Iterator[AsyncSsh]:
    running = AsyncSsh()
    yield running
    running.stop()


@pytest.fixture
def make_feed(
    database: Database,
    tenant_id: UUID,
    feed_server: AsyncSsh,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Any:
    monkeypatch.setattr(settings(), "file_store", tmp_path)
    monkeypatch.setattr(settings(), "allow_private_hosts", "127.0.0.1")
    monkeypatch.setattr(settings(), "secrets_key", SecretStr(Fernet.generate_key().decode()))

    def make(**more: Any) -> Feed:
        return Feed(database, tenant_id, Folder(feed_server), **more)

    return make


@pytest.fixture
def feed(make_feed: Any) -> Feed:
    made: Feed = make_feed()
    return made
