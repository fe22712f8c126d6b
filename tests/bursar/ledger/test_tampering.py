"""A small run of the trial of tampering: every one named, in the database and in packs."""

from __future__ import annotations

import random
from pathlib import Path
from uuid import UUID

import pytest
from psycopg.conninfo import make_conninfo

from bench.trials.tampering import WAYS, try_all
from bench.trials.verdict import Verdict
from bursar.database import Database
from ops.stack import postgres
from ops.stack.home import Home
from tests.conftest import MakeBudget


@pytest.mark.usefixtures("can_seal")
def test_every_tampering_is_named(
    database: Database, tenant_id: UUID, make_budget: MakeBudget, stack_home: Home, tmp_path: Path
) -> None:
    admin = make_conninfo(postgres.admin_conninfo(stack_home), dbname="bursar")
    budgets = [make_budget("1000", department=f"D{n}") for n in range(4 * len(WAYS))]
    verdict = Verdict("tampering", 9)
    try_all(
        database, admin, tenant_id, budgets, 3 * len(WAYS), 10, tmp_path, random.Random(9), verdict
    )
    assert verdict.broken == []
    assert verdict.counts["named"] == 3 * len(WAYS)
