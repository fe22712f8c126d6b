"""Versions over HTTP: the ETag that is given out, and the If-Match that an update brings back.

That of a budget names its amount too, which postings move without making a new version.
"""

from __future__ import annotations

import re
from decimal import Decimal

from flask import request

from bursar.errors import Fault, InvalidInput, VersionRequired

_WRITTEN = re.compile(r"([0-9]{1,9})(?:-(-?[0-9]{1,16}(?:\.[0-9]{1,4})?))?")


def required_version() -> int:
    """The version in If-Match. Raises VersionRequired, InvalidInput."""
    return required_budget()[0]


def required_budget() -> tuple[int, Decimal | None]:
    """The version in If-Match, and the amount that was read with it if that is written there.

    Raises VersionRequired, InvalidInput.
    """
    header = request.headers.get("If-Match", "").strip()
    if not header:
        raise VersionRequired
    found = _WRITTEN.fullmatch(header.removeprefix("W/").strip('"'))
    if found is None:
        raise InvalidInput(
            "If-Match carries no version.",
            faults=[Fault("/If-Match", "invalid_version", "Send the ETag that was read.")],
        )
    return int(found[1]), Decimal(found[2]) if found[2] else None


def etag(version: int, amount: str | None = None) -> dict[str, str]:
    """A version as a header, with the amount of a budget."""
    return {"ETag": f'"{version}"' if amount is None else f'"{version}-{amount}"'}
