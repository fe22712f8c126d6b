"""Passwords of people: kept as hashes that are costly to guess, changed by their owner alone."""

from __future__ import annotations

import hashlib
import secrets
from functools import cache
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from sqlalchemy import text
from sqlalchemy.orm import Session

from bursar.errors import Fault, InvalidInput

SHORTEST, LONGEST = 10, 200
HASHER = PasswordHasher()


def hash_of(password: str) -> str:
    """What is kept of a password. Raises InvalidInput for one that is too short or too long."""
    if not SHORTEST <= len(password) <= LONGEST:
        detail = f"A password has {SHORTEST} to {LONGEST} characters."
        raise InvalidInput(detail, faults=[Fault("/password", "password_length", detail)])
    return HASHER.hash(password)


@cache
def _nobodys() -> str:
    return HASHER.hash("nobody has this password")


def matches(kept: str | None, password: str) -> bool:
    """Whether a password is the one that is kept; takes as long where none is."""
    try:
        HASHER.verify(kept or _nobodys(), password)
    except (VerifyMismatchError, InvalidHashError):
        return False
    return kept is not None


def mark_of(kept: str) -> str:
    """A word that changes with the password, by which an older session is known."""
    return hashlib.sha256(kept.encode()).hexdigest()[:16]


def change(session: Session, user_id: UUID, present: str, password: str) -> str:
    """Give the person who asks another password. Returns its mark: other sessions end.

    Raises InvalidInput when `present` is not the present one, or the new one is no password.
    """
    kept = session.execute(
        text("select password_hash from own_password(:user)"), {"user": user_id}
    ).scalar_one_or_none()
    if not matches(kept, present):
        detail = "That is not your present password."
        raise InvalidInput(detail, faults=[Fault("/present", "wrong_password", detail)])
    new = hash_of(password)
    session.execute(text("select set_password(:user, :hash)"), {"user": user_id, "hash": new})
    return mark_of(new)


def reset(session: Session, user_id: UUID) -> str:
    """Give a person a password that nobody has seen before, and return it: for the shell.

    All sessions of the person end.
    """
    password = secrets.token_urlsafe(12)
    session.execute(
        text("select set_password(:user, :hash)"), {"user": user_id, "hash": hash_of(password)}
    )
    return password
