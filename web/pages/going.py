"""Where a form leads to, and what an address holds."""

from __future__ import annotations

from urllib.parse import urlsplit
from uuid import UUID

from flask import request


def local(target: str, otherwise: str = "/") -> str:
    """`target` when it is a path of ours, never another site."""
    parts = urlsplit(target)
    ours = not parts.scheme and not parts.netloc and target.startswith("/")
    # Browsers read a backslash as a slash, and drop control characters.
    plain = "\\" not in target and target.isprintable()
    return target if ours and plain and not target.startswith("//") else otherwise


def back_to(otherwise: str) -> str:
    """The page that a form names in `next`."""
    return local(request.form.get("next", ""), otherwise)


def uuid_or_none(text: str | None) -> UUID | None:
    """An id out of an address; None where it is none."""
    try:
        return UUID(text or "")
    except ValueError:
        return None
