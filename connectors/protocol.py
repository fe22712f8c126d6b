"""What every source of files can do, wherever the files lie."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Protocol

# What happens at the source to a file that was loaded. Not every kind of source can do all.
LEAVE, MOVE, TAG = "leave", "move", "tag"
# Where moved files go, beside the place that they came from.
DONE_FOLDER = "imported"


@dataclass(frozen=True, slots=True)
class Arrival:
    """A file that a source has, before any of its bytes are read.

    `path` names it within the source. `revision` changes when the content does (an etag, a version,
    size and time), as far as the source can tell; `size_bytes` and `modified_at` are None where it
    cannot. `whole` says that the source only ever shows complete files, so nobody need wait.
    """

    path: str
    revision: str
    size_bytes: int | None = None
    modified_at: datetime | None = None
    whole: bool = False

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rstrip("/").rpartition("/")[2] or self.path


class Connector(Protocol):
    """One place that files come from, open until its context ends.

    Every method raises SourceFault, of the class that names the cause; passing trouble is Transient
    too.
    """

    type: str
    after_actions: tuple[str, ...]

    def __enter__(self) -> Connector:
        """Itself; the connection is made when it is first needed."""
        ...

    def __exit__(self, *_: object) -> None:
        """Let the connection go."""
        ...

    def check(self) -> str:
        """Connect, sign in and look at the place; a sentence of what was seen."""
        ...

    def list(self) -> Iterator[Arrival]:
        """The files that are there now and match the pattern, each once."""
        ...

    def open(self, arrival: Arrival) -> AbstractContextManager[IO[bytes]]:
        """The bytes of one of them, as a stream.

        Reading to the end proves it whole: a file that ends early, or is not the revision that was
        listed, raises ChangedWhileRead there or when the context ends.
        """
        ...

    def settle(self, arrival: Arrival, action: str) -> None:
        """Do what is to happen to a file that was loaded: one of `after_actions`."""
        ...
