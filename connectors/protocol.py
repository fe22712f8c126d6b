"""What every source of files can do, wherever the files lie."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import IO, Protocol


@dataclass(frozen=True, slots=True)
class Arrival:
    """A file that a source has, before any of its bytes are read.

    `revision` changes when the content does (an etag, a version, a time), as far as the source can
    tell; `size_bytes` is None where it cannot.
    """

    name: str
    revision: str | None = None
    size_bytes: int | None = None


class Connector(Protocol):
    """One place that files come from."""

    type: str

    def list(self) -> Iterator[Arrival]:
        """The files that are there now."""
        ...

    def open(self, arrival: Arrival) -> AbstractContextManager[IO[bytes]]:
        """The bytes of one of them, as a stream."""
        ...
