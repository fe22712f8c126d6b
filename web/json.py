"""JSON with exact numbers: a number in a request is decimal text, never a float."""

from __future__ import annotations

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

from flask.json.provider import DefaultJSONProvider

from bursar.errors import InvalidInput

_MARKED = re.compile(r'"\\u0000(-?[0-9.]+)\\u0000"')


def _refuse_constant(name: str) -> NoReturn:
    raise InvalidInput(f"{name} is not a number that JSON or Bursar knows.")


def _exact(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise InvalidInput("A number is out of reach.") from None


class ExactJSON(DefaultJSONProvider):
    """Reads 0.1 as Decimal("0.1"); writes Decimal as JSON numbers for the compatibility routes."""

    sort_keys = False
    compact = True

    def loads(self, s: str | bytes, **options: Any) -> Any:
        """Parse JSON. Raises InvalidInput for NaN and Infinity, ValueError for bad JSON."""
        options.setdefault("parse_float", _exact)
        options.setdefault("parse_constant", _refuse_constant)
        try:
            return json.loads(s, **options)
        except RecursionError:
            raise InvalidInput("The JSON is nested too deeply.") from None

    def dumps(self, obj: Any, **options: Any) -> str:
        """Write JSON; a Decimal becomes a number with all its digits, which no float would keep."""
        return _MARKED.sub(r"\1", super().dumps(obj, **options))

    @staticmethod
    def default(o: Any) -> Any:
        """What JSON has no form for. A Decimal is marked by NULs, which no text of ours holds."""
        if isinstance(o, Decimal):
            return f"\0{o:f}\0"
        return DefaultJSONProvider.default(o)
