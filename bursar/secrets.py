"""Secrets at rest: encrypted with keys that never enter the database.

`BURSAR_SECRETS_KEY` holds Fernet keys, the newest first. New secrets are written with the newest;
old ones stay readable as long as their key is listed, and `bursar secrets rotate` writes them anew.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any
from uuid import UUID

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from bursar.config import settings
from bursar.errors import Misconfigured, SecretUnreadable


def seal(tenant_id: UUID, owner_id: UUID, content: dict[str, Any]) -> tuple[bytes, str]:
    """The secret of one object, encrypted, and the id of the key it was written with.

    Whose it is stands inside, so a ciphertext copied to another object opens nothing.
    Raises Misconfigured where no key is set.
    """
    keys = _keys()
    plain = json.dumps({"owner": _owner(tenant_id, owner_id), "content": content})
    return Fernet(keys[0]).encrypt(plain.encode()), key_id(keys[0])


def unseal(tenant_id: UUID, owner_id: UUID, ciphertext: bytes) -> dict[str, Any]:
    """The secret of one object. Raises SecretUnreadable, Misconfigured."""
    try:
        plain = MultiFernet([Fernet(key) for key in _keys()]).decrypt(ciphertext)
    except InvalidToken:
        raise SecretUnreadable(
            "The stored secret was written with a key that is not in BURSAR_SECRETS_KEY any more."
            " Put that key back, or enter the secret again."
        ) from None
    read = json.loads(plain)
    if read["owner"] != _owner(tenant_id, owner_id):
        raise SecretUnreadable("The stored secret belongs to another object; enter it again.")
    content: dict[str, Any] = read["content"]
    return content


def newest_key_id() -> str:
    """The id of the key that secrets are written with. Raises Misconfigured."""
    return key_id(_keys()[0])


def key_id(key: bytes) -> str:
    """What a key is called beside its ciphertexts; nothing of the key can be told from it."""
    return hashlib.sha256(b"bursar key id" + key).hexdigest()[:12]


def _owner(tenant_id: UUID, owner_id: UUID) -> str:
    return f"{tenant_id}/{owner_id}"


def _keys() -> list[bytes]:
    listed = settings().secrets_key.get_secret_value().split(",")
    keys = [key.strip().encode() for key in listed if key.strip()]
    if not keys:
        raise Misconfigured(
            "BURSAR_SECRETS_KEY is not set, so secrets cannot be stored. Make one with"
            " `python -c 'from cryptography.fernet import Fernet as F;"
            " print(F.generate_key().decode())'`."
        )
    try:
        for key in keys:
            Fernet(key)
    except ValueError:
        raise Misconfigured(
            "BURSAR_SECRETS_KEY holds something that is no Fernet key (32 bytes in URL-safe"
            " base64)."
        ) from None
    return keys
