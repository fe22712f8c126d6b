"""Versions over HTTP: the ETag that is given out, and the If-Match that an update brings back."""

from __future__ import annotations

import re

from flask import request

from bursar.errors import Fault, InvalidInput, VersionRequired


def required_version() -> int:
    """The version in If-Match. Raises VersionRequired, InvalidInput."""
    header = request.headers.get("If-Match", "").strip()
    if not header:
        raise VersionRequired
    text = header.removeprefix("W/").strip('"')
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise InvalidInput(
            "If-Match carries no version.",
            faults=[Fault("/If-Match", "invalid_version", "Send the ETag that was read.")],
        )
    return int(text)


def etag(version: int) -> dict[str, str]:
    """A version as a header."""
    return {"ETag": f'"{version}"'}
