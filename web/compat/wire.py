"""What the documents' routes share: names in camelCase, and who the caller says to be."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import request

from bursar.errors import Fault, Forbidden, InvalidInput
from web.auth import principal

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def camel(name: str) -> str:
    """`budgeted_amount` as `budgetedAmount`."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def snake(name: str) -> str:
    """`budgetedAmount` as `budgeted_amount`."""
    return _HUMP.sub("_", name).lower()


def body() -> dict[str, Any]:
    """The JSON object of the request, or its form fields. Raises InvalidInput."""
    if request.form or request.files:
        return _storable(dict(request.form.items()))
    found = request.get_json(silent=True)
    if not isinstance(found, dict):
        raise InvalidInput(
            "Send a JSON object, or a form with a file.",
            faults=[Fault("/", "object_required", "There was neither.")],
        )
    return _storable(found)


def _storable(given: dict[str, Any]) -> dict[str, Any]:
    """The object, if the database can hold all its texts. Raises InvalidInput."""
    written = json.dumps(given, ensure_ascii=False, default=str)
    if "\\u0000" in written or any("\ud800" <= c <= "\udfff" for c in written):
        raise InvalidInput(
            "A text holds a NUL character or half a character.",
            faults=[Fault("/", "unstorable_text", "Send texts that can be stored.")],
        )
    return given


def text_or_none(given: Mapping[str, Any], name: str) -> str | None:
    """A text that may be missing. Raises InvalidInput for anything else."""
    value = given.get(name)
    if value is not None and not isinstance(value, str):
        raise InvalidInput(
            f"The field {name} is no text.", faults=[Fault(f"/{name}", "missing", "Send a text.")]
        )
    return value or None


def require_own(given: Mapping[str, Any]) -> None:
    """Hold `customerId` and `userId`, where they are given, to the key. Raises Forbidden.

    A `userId` that is no id of ours and no e-mail address is the caller's own word for its user: a
    machine's key has no user to compare it with, and what was done is recorded under the key.
    """
    who = principal()
    customer = given.get("customerId")
    if customer and str(customer) != str(who.tenant_id):
        raise Forbidden("The customerId is not that of the key.")
    user = str(given.get("userId") or "")
    if user and user not in (who.actor, who.actor.partition(":")[2]) and _names_somebody(user):
        raise Forbidden("The userId is not that of the key.")


def _names_somebody(user: str) -> bool:
    if "@" in user or user.startswith(("user:", "key:")):
        return True
    try:
        UUID(user)
    except ValueError:
        return False
    return True
