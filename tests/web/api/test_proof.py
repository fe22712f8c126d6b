"""Proof over the API: reconcile all, mend, seal, evidence, and who may."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from bursar.database import Database
from bursar.proof.evidence_check import check_pack
from bursar.proof.rounds import prove
from bursar.telling import tell_noted
from tasks.tick import _DUTIES
from tests.api_client import Api, code_of
from tests.conftest import MakeApi, MakeBudget
from tests.web.api.conftest import Imports

Corrupt = Callable[[str, UUID], None]


@pytest.fixture
def corrupt(superuser: psycopg.Connection) -> Corrupt:
    def run(statement: str, budget: UUID) -> None:
        superuser.execute("set local session_replication_role = replica")
        superuser.execute(statement.encode(), {"b": budget})
        superuser.commit()

    return run


def round_of_proof(database: Database, tenant_id: UUID) -> list[str]:
    with database.transaction(tenant_id, "system") as session:
        return [event.event for event in prove(session, tenant_id)]


DRIFT = "update budget_account set spent = spent + 1 where budget_id = %(b)s"


def test_one_broken_of_a_hundred_is_named_and_the_rest_is_right(
    api: Api, database: Database, make_budget: MakeBudget, work_off: Any, corrupt: Corrupt
) -> None:
    budgets = [make_budget("1000", department=f"D{n}") for n in range(100)]
    corrupt(DRIFT, budgets[41])
    started = api.post("/reconcile")
    assert started.status_code == 202
    body = started.get_json()
    assert started.headers["Location"] == f"/api/v1/jobs/{body['job_id']}"
    assert api.post("/reconcile").get_json() == body, "what waits already is joined"
    assert work_off(body) == "succeeded"
    job = api.get(f"/jobs/{body['job_id']}").get_json()
    assert (job["kind"], job["queue"]) == ("ledger.reconcile", "periods")
    result = job["result"]
    assert (result["budgets"], result["entries"], result["discrepancies"]) == (100, 100, 1)
    assert result["broken"][0]["budget_id"] == str(budgets[41])
    assert result["broken"][0]["detail"] == "counters differ by 1.0000 from the entries"
    told = api.get("/proof").get_json()
    assert told["reconciled"] == result
    assert told["reconciled_at"] is not None
    held = {"amount": "1", "currency": "USD", "ref_id": "x"}
    refused = api.post(f"/budgets/{budgets[41]}/reservations", held)
    assert code_of(refused) == (409, "budget_frozen")
    assert api.post(f"/budgets/{budgets[40]}/reservations", held).status_code == 201
    assert api.get(f"/budgets/{budgets[41]}").get_json()["proof"]["frozen_for"] == "discrepancy"
    assert api.get(f"/budgets/{budgets[40]}").get_json()["proof"]["frozen_for"] is None
    (alert,) = api.get("/alerts", type="discrepancy").get_json()["data"]
    assert (alert["budget_id"], alert["severity"]) == (str(budgets[41]), "critical")
    again = api.post("/reconcile").get_json()
    assert again["job_id"] != body["job_id"]
    work_off(again)
    assert len(api.get("/alerts", type="discrepancy").get_json()["data"]) == 1


def test_a_fix_needs_a_reason_and_an_admin_and_is_done_once(
    api: Api, make_api: MakeApi, database: Database, tenant_id: UUID, make_budget: MakeBudget,
    corrupt: Corrupt,
) -> None:  # fmt: skip
    budget = make_budget("1000")
    path = f"/budgets/{budget}/fix-discrepancy"
    assert code_of(api.post(path, {})) == (422, "invalid_input")
    assert code_of(api.post(path, {"reason": ""})) == (422, "invalid_input")
    assert code_of(make_api("fpa").post(path, {"reason": "x"})) == (403, "forbidden")
    corrupt(DRIFT, budget)
    assert round_of_proof(database, tenant_id) == ["frozen"]
    shown = api.get(f"/budgets/{budget}").get_json()
    assert shown["proof"]["frozen_for"] == "discrepancy"
    key = {"headers": {"Idempotency-Key": uuid4().hex}}
    fixed = api.post(path, {"reason": "restored by hand"}, **key)
    assert fixed.status_code == 200
    (repair,) = fixed.get_json()["repairs"]
    assert (repair["outcome"], repair["entries"]) == ("rebuilt", 0)
    assert repair["before"]["stored"][3] == "1.0000"
    again = api.post(path, {"reason": "restored by hand"}, **key)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.get_json() == fixed.get_json()
    assert api.post(path, {"reason": "x"}).get_json()["repairs"] == []
    found = api.post(f"/budgets/{budget}/reconcile?whole_chain=true").get_json()
    assert (found["discrepancy"], found["first_bad_seq"]) == ("0.00", None)
    assert api.get("/alerts", type="discrepancy", state="open").get_json()["data"] == []


def test_a_budget_says_when_it_was_proven(
    api: Api, database: Database, tenant_id: UUID, make_budget: MakeBudget
) -> None:
    budget = make_budget("1000")
    fresh = api.get(f"/budgets/{budget}").get_json()["proof"]
    assert fresh == {"proven_at": None, "frozen_for": None}
    round_of_proof(database, tenant_id)
    (listed,) = api.get("/budgets").get_json()["data"]
    assert listed["proof"]["proven_at"] is not None
    assert listed["proof"]["proven_at"] == api.get("/proof").get_json()["proven_at"]


def test_without_a_key_for_secrets_nothing_is_sealed(api: Api) -> None:
    assert code_of(api.post("/seals")) == (409, "signing_unavailable")
    assert code_of(api.get("/evidence")) == (409, "signing_unavailable")


@pytest.mark.usefixtures("can_seal")
def test_seals_follow_one_another_and_packs_prove_themselves(
    api: Api, make_api: MakeApi, make_budget: MakeBudget, tmp_path: Path
) -> None:
    budgets = [make_budget("1000", department=f"D{n}") for n in range(5)]
    first, second = (api.post("/seals").get_json() for _ in range(2))
    assert (first["no"], second["no"], second["accounts"]) == (1, 2, 5)
    assert [one["no"] for one in api.get("/seals").get_json()["data"]] == [2, 1]
    (key,) = api.get("/signing-keys").get_json()["data"]
    assert key["id"] == first["signing_key_id"]
    answer = make_api("auditor").get("/evidence")
    assert answer.content_type == "application/zip"
    place = tmp_path / "pack.zip"
    place.write_bytes(answer.data)
    checked = check_pack(place, key["public_key"])
    assert checked.findings == []
    assert (checked.entries, checked.accounts, checked.seals) == (5, 5, 2)
    place.write_bytes(api.get("/evidence", budget_id=budgets[2]).data)
    checked = check_pack(place)
    assert checked.findings == []
    assert (checked.entries, checked.accounts, checked.budget_id) == (1, 1, str(budgets[2]))
    with zipfile.ZipFile(io.BytesIO(place.read_bytes())) as archive:
        assert b'"path"' in archive.read("sealed_heads.ndjson")
    assert code_of(api.get("/evidence", budget_id=uuid4())) == (404, "not_found")
    assert code_of(make_api("fpa").get("/evidence")) == (403, "forbidden")


def test_a_large_top_up_is_told_and_a_small_one_is_not(
    api: Api, database: Database, tenant_id: UUID, make_budget: MakeBudget
) -> None:
    small, large = make_budget("1000", department="S"), make_budget("1000", department="L")
    for budget, amount in ((small, "999.99"), (large, "1000"), (large, "2000")):
        body = {"amount": amount, "currency": "USD"}
        assert api.post(f"/budgets/{budget}/topup", body).status_code == 201
    with database.transaction(tenant_id, "system") as session:
        tell_noted(session, tenant_id)
    found = api.get("/alerts", type="large_topup").get_json()["data"]
    assert [one["budget_id"] for one in found] == [str(large)] * 2


def test_an_import_and_its_undo_prove(
    api: Api, imports: Imports, database: Database, tenant_id: UUID
) -> None:
    lines = "".join(f"D{n},FY2025,{n + 1}\n" for n in range(300))
    changed = "".join(f"D{n},FY2025,{n + 2}\n" for n in range(0, 300, 3))
    head = "Department,Fiscal Year,Budget\n"
    imports.send(f"{head}{lines}".encode())
    assert round_of_proof(database, tenant_id) == []
    second = imports.send(f"{head}{changed}".encode(), "second.csv")
    assert round_of_proof(database, tenant_id) == []
    assert imports.act(second["id"], "undo")["state"] == "undone"
    assert round_of_proof(database, tenant_id) == []
    told = api.get("/proof").get_json()
    assert (told["frozen_accounts"], told["unproven_entries"]) == (0, 0)
    assert told["walked_at"] is not None


@pytest.mark.usefixtures("can_seal")
def test_the_clock_queues_one_job_of_each_kind_and_proves(
    api: Api, database: Database, make_budget: MakeBudget, work_off: Any
) -> None:
    make_budget("1000")
    for duty in ("reconcile_ledger", "seal_ledger") * 2:
        _DUTIES[duty](database)
    jobs = api.get("/jobs").get_json()["data"]
    assert sorted((job["kind"], job["created_by"]) for job in jobs) == [
        ("ledger.reconcile", "system"), ("ledger.seal", "system"),
    ]  # fmt: skip
    for job in jobs:
        assert work_off({"job_id": job["id"]}) == "succeeded"
    told = api.get("/proof").get_json()
    assert (told["reconciled"]["budgets"], told["proven_at"]) == (1, None)
    assert told["sealed_at"] is not None
    (sealed,) = api.get("/seals").get_json()["data"]
    assert (sealed["no"], sealed["accounts"], sealed["created_by"]) == (1, 1, "system")


def test_without_a_key_for_secrets_the_clock_seals_nothing(api: Api, database: Database) -> None:
    _DUTIES["seal_ledger"](database)
    assert api.get("/jobs").get_json()["data"] == []
