"""The families of errors, and what every error carries.

The families say what kind of failure it is; `web/problems.py` alone turns a family into an HTTP
status, and `bursar/jobs` alone decides by `Transient` what is tried again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with one place of the input.

    `pointer` is a JSON pointer (`/amount`) or a cell (`Sheet1!F17`); `code` is stable.
    """

    pointer: str
    code: str
    detail: str


class BursarError(Exception):
    """Something went wrong."""

    code: ClassVar[str] = "error"

    def __init__(
        self,
        detail: str = "",
        *,
        faults: Sequence[Fault] = (),
        extra: dict[str, object] | None = None,
    ) -> None:
        self.detail = detail or self.title()
        self.faults = tuple(faults)
        self.extra = extra or {}
        super().__init__(self.detail)

    @classmethod
    def title(cls) -> str:
        """The first sentence of the docstring: what this code means, for a person."""
        return re.sub(r"\s+", " ", (cls.__doc__ or cls.code).split("\n\n")[0]).strip()


class InvalidInput(BursarError):
    """The request is understood but its content is not acceptable."""

    code = "invalid_input"


class NotFound(BursarError):
    """There is no such object, or it is not yours."""

    code = "not_found"


class Conflict(BursarError):
    """The request does not fit the present state of the object."""

    code = "conflict"


class Forbidden(BursarError):
    """Your role does not allow this."""

    code = "forbidden"


class Unauthenticated(BursarError):
    """No valid key or session came with the request."""

    code = "unauthenticated"


class TooLarge(BursarError):
    """The upload is larger than allowed."""

    code = "too_large"


class Transient(BursarError):
    """A passing failure; the same call may succeed when tried again."""

    code = "transient"


class Misconfigured(BursarError):
    """The installation is not set up safely, so Bursar refuses to start."""

    code = "misconfigured"


def all_errors() -> list[type[BursarError]]:
    """Every error class, for the reference page and the test that holds it complete."""
    found: list[type[BursarError]] = []
    queue: list[type[BursarError]] = [BursarError]
    while queue:
        cls = queue.pop(0)
        found.append(cls)
        queue.extend(cls.__subclasses__())
    return found
