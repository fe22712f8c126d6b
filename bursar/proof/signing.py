"""The installation's signing key: Ed25519, its private half encrypted like every other secret."""

from __future__ import annotations

import hashlib
from uuid import UUID, uuid4

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from bursar import secrets
from bursar.config import settings
from bursar.errors import SigningUnavailable
from schema.tables import SigningKey

# The key belongs to no tenant; this stands where a secret names its own.
INSTALLATION = UUID(int=0)


def sign(session: Session, message: bytes) -> tuple[UUID, bytes]:
    """Sign with the installation's key, made when it is first needed; its id and the signature.

    Raises SigningUnavailable where no key for secrets is set, SecretUnreadable.
    """
    if not settings().secrets_key.get_secret_value():
        raise SigningUnavailable
    key = _current(session)
    content = secrets.unseal(INSTALLATION, key.id, key.ciphertext)
    private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(content["private_key"]))
    return key.id, private.sign(message)


def is_signed(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether a message was signed by the owner of a public key. Needs no database."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def public_keys(session: Session) -> list[SigningKey]:
    """All keys that seals may be signed with, oldest first; hand out their public halves only."""
    return list(session.execute(select(SigningKey).order_by(SigningKey.created_at)).scalars())


def fingerprint(public_key: bytes) -> str:
    """What people compare two public keys by."""
    digest = hashlib.sha256(public_key).hexdigest()[:32]
    return ":".join(digest[n : n + 4] for n in range(0, 32, 4))


def reseal_signing_keys(session: Session, newest: str) -> int:
    """Encrypt with the newest key what another one has encrypted; how many."""
    old = session.execute(select(SigningKey).where(SigningKey.key_id != newest)).scalars().all()
    for key in old:
        content = secrets.unseal(INSTALLATION, key.id, key.ciphertext)
        key.ciphertext, key.key_id = secrets.seal(INSTALLATION, key.id, content)
    session.flush()
    return len(old)


def _current(session: Session) -> SigningKey:
    newest = select(SigningKey).order_by(SigningKey.created_at.desc()).limit(1)
    found = session.execute(newest).scalar()
    if found is not None:
        return found
    # Two at once: the second waits here and then finds the key of the first.
    session.execute(text("select pg_advisory_xact_lock(hashtext('bursar.signing_key'))"))
    found = session.execute(newest).scalar()
    if found is not None:
        return found
    private, key_id = Ed25519PrivateKey.generate(), uuid4()
    content = {"private_key": private.private_bytes_raw().hex()}
    ciphertext, sealed_by = secrets.seal(INSTALLATION, key_id, content)
    made = SigningKey(
        id=key_id, public_key=private.public_key().public_bytes_raw(), ciphertext=ciphertext,
        key_id=sealed_by,
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made
