"""Seals and packs: what they tell that a chain alone cannot, and what nobody can forge."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as some
from pydantic import SecretStr

from bursar.config import settings
from bursar.database import Database
from bursar.errors import UnreadableFile
from bursar.ledger import operations
from bursar.proof import merkle, signing
from bursar.proof.evidence import pack_blocks
from bursar.proof.evidence_check import check_pack
from bursar.proof.fixing import fix_discrepancy
from bursar.proof.reconcile import broken_accounts
from bursar.proof.seals import check_seals, held_against, make_seal
from bursar.secrets import newest_key_id
from tests.conftest import SECRETS_KEY, MakeBudget

pytestmark = pytest.mark.usefixtures("can_seal")
STRANGE = "a\\b \x1f „ü“ 🜚\n=1+1"


@pytest.fixture
def budget(database: Database, tenant_id: UUID, make_budget: MakeBudget) -> UUID:
    """With four entries, and words that are hard to hash alike in two languages."""
    made = make_budget("1000")
    for _ in range(2):
        ref = uuid4().hex
        operations.spend(
            database, tenant_id, made, Decimal("3.25"), "USD", ref_id=ref, reason=STRANGE,
            actor="test",
        )  # fmt: skip
    operations.refund(database, tenant_id, ref, Decimal(1), reason=STRANGE, actor="test")
    return made


@pytest.fixture
def seal(database: Database, tenant_id: UUID) -> Callable[[], Any]:
    def run() -> Any:
        with database.transaction(tenant_id, "test") as session:
            return make_seal(session, tenant_id, "test")

    return run


@pytest.fixture
def wrong(database: Database, tenant_id: UUID) -> Callable[[], list[Any]]:
    """What is wrong with seals and chains."""

    def run() -> list[Any]:
        with database.transaction(tenant_id) as session:
            found = [(one.bad_seq, one.fault) for one in broken_accounts(session, tenant_id)]
            return [*found, *check_seals(session, tenant_id)]

    return run


@pytest.fixture
def pack(database: Database, tenant_id: UUID, tmp_path: Path) -> Callable[..., Path]:
    def run(name: str = "pack.zip", only: UUID | None = None) -> Path:
        place = tmp_path / name
        with (
            database.transaction(tenant_id, "test") as session,
            place.open("wb") as target,
        ):
            target.writelines(pack_blocks(session, tenant_id, only, "test"))
        return place

    return run


def past(superuser: psycopg.Connection, *statements: str, **values: object) -> None:
    superuser.execute("set local session_replication_role = replica")
    for statement in statements:
        superuser.execute(statement.encode(), values)
    superuser.commit()


@given(some.integers(1, 70), some.data())
def test_a_path_leads_to_the_root_and_from_no_other_leaf(count: int, data: Any) -> None:
    leaves = [merkle.leaf(UUID(int=n), n, bytes([n]) * 32) for n in range(count)]
    index = data.draw(some.integers(0, count - 1))
    steps = merkle.path(leaves, index)
    assert merkle.climb(leaves[index], steps) == merkle.root(leaves)
    other = data.draw(some.integers(0, count - 1))
    assert (merkle.climb(leaves[other], steps) == merkle.root(leaves)) == (other == index)


CUT = (
    "delete from ledger_entry where account_id = %(a)s and seq > 2",
    "update budget_account a set entry_seq = 2, spent = 3.25, head_hash = (select hash from"
    " ledger_entry where account_id = %(a)s and seq = 2) where id = %(a)s",
    "delete from ledger_proof where account_id = %(a)s",
)


def test_only_a_seal_tells_that_an_end_was_cut_off_with_everything_else(
    database: Database, tenant_id: UUID, budget: UUID, seal: Any, wrong: Any,
    superuser: psycopg.Connection,
) -> None:  # fmt: skip
    seal()
    past(superuser, *CUT, a=budget)
    assert wrong() == [(3, "missing")]
    seal()
    assert wrong() == [(3, "missing")], "a later seal keeps the head that was sealed"
    with database.transaction(tenant_id, "test") as session:
        (repair,) = fix_discrepancy(session, tenant_id, budget, "cut", "test")
    assert (repair.outcome, repair.after["entry_seq"], wrong()) == ("corrected", 6, [])
    assert seal().no == 3
    assert wrong() == []


def test_without_a_seal_that_cut_would_not_be_seen(
    budget: UUID, wrong: Any, superuser: psycopg.Connection
) -> None:
    past(superuser, *CUT, a=budget)
    assert wrong() == []


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("update ledger_seal set statement = replace(statement, '\"no\": 2', '\"no\": 2 ')"
         " where no = 2", "seal 2 does not have the signature of its key"),
        ("update ledger_seal set signature = sha512('') where no = 1",
         "seal 1 does not have the signature of its key"),
        ("delete from ledger_seal where no = 2",
         "seal 2 does not follow from the seal before it"),
        ("delete from ledger_seal_head where no = 1",
         "the heads under seal 3 are not those that were sealed"),
        ("update ledger_seal_head set seq = seq - 1",
         "the heads under seal 3 are not those that were sealed"),
    ],
)  # fmt: skip
def test_seals_cannot_be_changed_unseen(
    tenant_id: UUID, budget: UUID, seal: Any, wrong: Any, superuser: psycopg.Connection,
    statement: str, told: str,
) -> None:  # fmt: skip
    for _ in range(3):
        seal()
    assert wrong() == []
    joint = " and " if " where " in statement else " where "
    past(superuser, f"{statement}{joint}tenant_id = %(t)s", t=tenant_id)
    assert told in wrong()


def test_a_pack_proves_itself_and_repairs_in_it_are_no_faults(
    database: Database, tenant_id: UUID, budget: UUID, make_budget: MakeBudget, seal: Any,
    pack: Any, superuser: psycopg.Connection,
) -> None:  # fmt: skip
    make_budget("50", department="Other")
    seal()
    assert [check_pack(pack()).findings, check_pack(pack("one.zip", budget)).findings] == [[], []]
    past(superuser, "delete from ledger_entry where account_id = %(a)s and seq = 2", a=budget)
    (found,) = check_pack(pack()).findings
    assert (found.account_id, found.seq) == (str(budget), 2)
    past(superuser, *CUT, a=budget)
    for place in (pack(), pack("one.zip", budget)):
        (found,) = check_pack(place).findings
        assert (found.account_id, found.seq) == (str(budget), 1 + 1)
    with database.transaction(tenant_id, "test") as session:
        fix_discrepancy(session, tenant_id, budget, "both", "test")
    checked = check_pack(pack())
    assert (checked.findings, checked.accounts, checked.acknowledged) == ([], 2, 2)


def test_a_seal_that_was_kept_elsewhere_tells_of_seals_that_are_gone(
    database: Database, tenant_id: UUID, budget: UUID, seal: Any, wrong: Any,
    superuser: psycopg.Connection,
) -> None:  # fmt: skip
    seal()
    kept = seal().statement

    def held(statement: str) -> list[str]:
        with database.transaction(tenant_id) as session:
            return held_against(session, statement)

    assert held(kept) == []
    assert held("[]") == ["what was kept is no statement of a seal"]
    past(superuser, "delete from ledger_seal where no = 2 and tenant_id = %(t)s", t=tenant_id)
    assert (wrong(), held(kept)) == ([], ["seal 2, which was kept elsewhere, is gone"])
    seal()
    assert held(kept) == ["seal 2 is not the one that was kept elsewhere"]


def rewritten(source: Path, changes: dict[str, bytes]) -> Path:
    target = source.with_name("changed.zip")
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            new.writestr(name, changes.get(name, old.read(name)))
    return target


def test_a_pack_signed_by_somebody_else_is_not_ours(
    database: Database, tenant_id: UUID, budget: UUID, seal: Any, pack: Any
) -> None:
    seal()
    with database.transaction(tenant_id) as session:
        ours = signing.public_keys(session)[0].public_key.hex()
    sound = pack()
    assert check_pack(sound, ours).findings == []
    theirs = Ed25519PrivateKey.generate()
    public = theirs.public_key().public_bytes_raw().hex()
    with zipfile.ZipFile(sound) as archive:
        manifest = archive.read("manifest.json")
        keys = json.loads(archive.read("keys.json"))
    forged = rewritten(
        sound,
        {
            "keys.json": json.dumps([{"id": keys[0]["id"], "public_key": public}]).encode(),
            "manifest.sig.json": json.dumps(
                {"key": keys[0]["id"], "signature": theirs.sign(manifest).hex()}
            ).encode(),
        },
    )
    told = [str(one) for one in check_pack(forged).findings]
    assert "keys.json is not the file that was signed" in told
    assert "seal 1 does not have the signature of its key" in told
    assert "the key that you named is not among those of the pack" in [
        str(one) for one in check_pack(forged, ours).findings
    ]


@pytest.mark.parametrize("content", [b"", b"PK", b"not a pack at all" * 9])
def test_what_is_no_pack_is_refused(tmp_path: Path, content: bytes) -> None:
    place = tmp_path / "x.zip"
    place.write_bytes(content)
    with pytest.raises(UnreadableFile):
        check_pack(place)


def test_a_pack_with_lines_of_nonsense_is_refused(budget: UUID, pack: Any) -> None:
    for nonsense in (b"{}\n", b"[1]\n", b"\xff\n", b'{"account_id": 1, "seq": "x"}\n'):
        with pytest.raises(UnreadableFile):
            check_pack(rewritten(pack(), {"entries.ndjson": nonsense}))


def test_the_signing_key_outlives_a_change_of_the_key_for_secrets(
    database: Database, tenant_id: UUID, budget: UUID, seal: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    before = seal().signing_key_id

    def reseal() -> int:
        with database.transaction(None, "test") as session:
            return signing.reseal_signing_keys(session, newest_key_id())

    new = Fernet.generate_key().decode()
    monkeypatch.setattr(settings(), "secrets_key", SecretStr(f"{new},{SECRETS_KEY}"))
    try:
        assert (reseal(), reseal()) == (1, 0)
        monkeypatch.setattr(settings(), "secrets_key", SecretStr(new))
        assert seal().signing_key_id == before
    finally:
        monkeypatch.setattr(settings(), "secrets_key", SecretStr(f"{SECRETS_KEY},{new}"))
        reseal()
