"""Checking an evidence pack: no database, no network, memory for the heads alone."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from bursar.errors import UnreadableFile
from bursar.proof import merkle, seals, signing
from bursar.proof.chain_check import Chains, Finding
from bursar.proof.evidence import FORMAT, MANIFEST, SIGNATURE

_FILES = (
    "README.txt", "keys.json", "seals.ndjson", "sealed_heads.ndjson", "acknowledgements.ndjson",
    "entries.ndjson", "heads.ndjson",
)  # fmt: skip
# A line is one entry; more than this is no entry of ours.
_LONGEST_LINE = 1 << 20


@dataclass
class Checked:
    """What a pack holds and what is wrong with it; nothing is, when `findings` is empty."""

    tenant_id: str = ""
    budget_id: str | None = None
    made_at: str = ""
    entries: int = 0
    accounts: int = 0
    seals: int = 0
    acknowledged: int = 0
    keys: dict[str, str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def wrong(self, what: str) -> None:
        """Note something that is wrong with the pack as a whole."""
        self.findings.append(Finding(None, None, what))


def check_pack(path: Path, trusted_key: str | None = None) -> Checked:
    """Everything that a pack says, held against itself and its signatures.

    With `trusted_key`, the public key in hex, signatures of any other key are none. Raises
    UnreadableFile for what is no evidence pack.
    """
    checked = Checked()
    try:
        with zipfile.ZipFile(path) as archive:
            manifest = _manifest(archive, checked, trusted_key)
            _require_bytes(archive, checked, manifest)
            acknowledged = list(_read(archive, "acknowledgements.ndjson"))
            checked.acknowledged = len(acknowledged)
            sealed = _sealed_heads(archive, checked)
            heads = {one["account_id"]: one for one in _read(archive, "heads.ndjson")}
            chains = Chains(checked.tenant_id, heads, sealed, acknowledged)
            for entry in _read(archive, "entries.ndjson"):
                chains.take(entry)
            checked.findings += chains.close()
            checked.entries, checked.accounts = chains.entries, len(heads)
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError, OSError, EOFError) as error:
        raise UnreadableFile(
            f"{path.name} is no whole evidence pack: {type(error).__name__}: {error}"
        ) from error
    return checked


def _manifest(
    archive: zipfile.ZipFile, checked: Checked, trusted_key: str | None
) -> dict[str, Any]:
    content = archive.read(MANIFEST)
    manifest: dict[str, Any] = json.loads(content)
    if manifest["format"] != FORMAT:
        raise ValueError(f"its format is {manifest['format']!r}, not {FORMAT!r}")
    checked.tenant_id, checked.budget_id = manifest["tenant"], manifest["budget"]
    checked.made_at = manifest["made_at"]
    listed = {key["id"]: key["public_key"] for key in json.loads(archive.read("keys.json"))}
    checked.keys = {
        key_id: public for key_id, public in listed.items() if trusted_key in (None, public)
    }
    if not checked.keys:
        checked.wrong("the key that you named is not among those of the pack")
    signed = json.loads(archive.read(SIGNATURE))
    public = bytes.fromhex(checked.keys.get(signed["key"], ""))
    if not signing.is_signed(public, bytes.fromhex(signed["signature"]), content):
        checked.wrong(f"{MANIFEST} does not have the signature of its key")
    return manifest


def _require_bytes(archive: zipfile.ZipFile, checked: Checked, manifest: dict[str, Any]) -> None:
    """Every file is the one that the manifest was made over."""
    for name in _FILES:
        digest = hashlib.sha256()
        with archive.open(name) as source:
            while block := source.read(1 << 20):
                digest.update(block)
        if digest.hexdigest() != manifest["files"][name]["sha256"]:
            checked.wrong(f"{name} is not the file that was signed")


def _sealed_heads(archive: zipfile.ZipFile, checked: Checked) -> dict[str, tuple[int, str]]:
    """The heads under the newest seal, after making sure that they are under it."""
    told = [
        (one["statement"], bytes.fromhex(one["signature"]),
         bytes.fromhex(checked.keys.get(one["key"], "")))
        for one in _read(archive, "seals.ndjson")
    ]  # fmt: skip
    checked.seals = len(told)
    for what in seals.broken_chain(UUID(checked.tenant_id), told):
        checked.wrong(what)
    top = json.loads(told[-1][0])["root"] if told else merkle.EMPTY.hex()
    heads, leaves = {}, []
    for one in _read(archive, "sealed_heads.ndjson"):
        leaf = merkle.leaf(UUID(one["account_id"]), one["seq"], bytes.fromhex(one["hash"]))
        heads[one["account_id"]] = (one["seq"], one["hash"])
        if "path" not in one:
            leaves.append(leaf)
        elif merkle.climb(leaf, [(left, bytes.fromhex(h)) for left, h in one["path"]]).hex() != top:
            checked.findings.append(
                Finding(one["account_id"], None, "its sealed head is not under the newest seal")
            )
    if checked.budget_id is None and merkle.root(leaves).hex() != top:
        checked.wrong("the sealed heads are not those under the newest seal")
    return heads


def _read(archive: zipfile.ZipFile, name: str) -> Iterator[dict[str, Any]]:
    with archive.open(name) as source:
        while line := source.readline(_LONGEST_LINE):
            yield json.loads(line)
