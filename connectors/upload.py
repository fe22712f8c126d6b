"""Files that somebody hands over in a request: one file, there already."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import IO

from connectors.protocol import Arrival


class Upload:
    """A single file in hand. Its stream stays open; whoever made it closes it."""

    type = "upload"

    def __init__(self, name: str, stream: IO[bytes]) -> None:
        self._arrival = Arrival(name or "upload")
        self._stream = stream

    def list(self) -> Iterator[Arrival]:
        """The one file."""
        yield self._arrival

    def open(self, arrival: Arrival) -> AbstractContextManager[IO[bytes]]:  # noqa: ARG002
        """Its stream."""
        return nullcontext(self._stream)
