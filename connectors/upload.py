"""Files that somebody hands over in a request: one file, there already."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import IO

from connectors.protocol import LEAVE, Arrival


class Upload:
    """A single file in hand. Its stream stays open; whoever made it closes it."""

    type = "upload"
    after_actions: tuple[str, ...] = (LEAVE,)

    def __init__(self, name: str, stream: IO[bytes]) -> None:
        self._arrival = Arrival(name or "upload", revision="", whole=True)
        self._stream = stream

    def __enter__(self) -> Upload:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the stream to its owner."""

    def check(self) -> str:
        """There is nothing to connect to."""
        return f"{self._arrival.name} is here."

    def list(self) -> Iterator[Arrival]:
        """The one file."""
        yield self._arrival

    def open(self, arrival: Arrival) -> AbstractContextManager[IO[bytes]]:  # noqa: ARG002
        """Its stream."""
        return nullcontext(self._stream)

    def settle(self, arrival: Arrival, action: str) -> None:
        """Nothing is left to do."""
