"""A small run of the trial of tampering: every one named, in the database and in packs."""

from __future__ import annotations

import random
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from bench.trials.tampering import WAYS, try_all
from bench.trials.verdict import Verdict
from bursar.database import Database
from tests.conftest import MakeBudget


@pytest.mark.usefixtures("can_seal")
def test_every_tampering_is_named(
    database: Database, tenant_id: UUID, make_budget: MakeBudget, superuser: psycopg.Connection,
    tmp_path: Path,
) -> None:  # fmt: skip
    info = superuser.info
    admin = make_conninfo(info.dsn, password=info.password)
    budgets = [make_budget("1000", department=f"D{n}") for n in range(4 * len(WAYS))]
    verdict = Verdict("tampering", 9)
    try_all(
        database, admin, tenant_id, budgets, 3 * len(WAYS), 10, tmp_path, random.Random(9), verdict
    )
    assert verdict.broken == []
    assert verdict.counts["named"] == 3 * len(WAYS)
