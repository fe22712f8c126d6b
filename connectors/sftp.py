"""Files in a folder of an SFTP server, over paramiko."""

from __future__ import annotations

import io
import posixpath
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import IO, Any

import paramiko

from bursar.errors import ChangedWhileRead, PathMissing
from connectors.patterns import matcher, wanted
from connectors.protocol import DONE_FOLDER, LEAVE, MOVE, Arrival
from connectors.ssh import Account, named_causes, sign_in

DEFAULT_PORT = 22
# Asked for at once: enough to fill a long line, little enough to stay small in memory.
_CHUNK, _CHUNKS = 32_768, 64
_LISTINGS_AHEAD = 50


class Sftp:
    """One folder of one server, not the folders in it.

    `config`: host, port, username, path, pattern, host_key. `secret`: password, or private_key in
    OpenSSH or PEM form with its passphrase.
    """

    type = "sftp"
    after_actions: tuple[str, ...] = (LEAVE, MOVE)

    def __init__(self, config: dict[str, Any], secret: dict[str, Any]) -> None:
        self._account = Account(
            host=str(config["host"]),
            port=int(config.get("port") or DEFAULT_PORT),
            user=str(config["username"]),
            host_key=str(config.get("host_key") or "").strip(),
            secret=secret,
        )
        self._folder = str(config.get("path") or ".")
        self._pattern = matcher(str(config.get("pattern") or ""))
        self._open: tuple[paramiko.SSHClient, paramiko.SFTPClient] | None = None

    def __enter__(self) -> Sftp:
        """Itself; the connection is made when it is first needed."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connection."""
        if self._open is not None:
            self._open[0].close()
        self._open = None

    def check(self) -> str:
        """Sign in and look at the folder."""
        with named_causes(self._folder):
            if not stat.S_ISDIR(self._session().stat(self._folder).st_mode or 0):
                raise PathMissing(f"{self._folder} is a file, not a folder.")
        count = sum(1 for _ in self.list())
        return f"Signed in as {self._account.user}; {self._folder} has {count:,} matching files."

    def list(self) -> Iterator[Arrival]:
        """The files of the folder, in the order that the server gives them."""
        session = self._session()
        with named_causes(self._folder):
            # All at once: answers to a listing under way get mixed up with other requests.
            entries = list(session.listdir_iter(self._folder, read_aheads=_LISTINGS_AHEAD))
        for entry in entries:
            if stat.S_ISREG(entry.st_mode or 0) and wanted(entry.filename, self._pattern):
                yield _arrival(posixpath.join(self._folder, entry.filename), entry)

    @contextmanager
    def open(self, arrival: Arrival) -> Iterator[IO[bytes]]:
        """The file's bytes; its size and time must be the same after as they were when listed."""
        session = self._session()
        with named_causes(arrival.path):
            file = session.open(arrival.path, "rb")
        with file:
            reader = _Reader(file, arrival)
            yield reader  # type: ignore[misc]
        with named_causes(arrival.path):
            now = _arrival(arrival.path, session.stat(arrival.path))
        if now.revision != arrival.revision:
            raise ChangedWhileRead(f"{arrival.name} is still being written; it is tried again.")

    def settle(self, arrival: Arrival, action: str) -> None:
        """Move a loaded file into a folder beside it; a name that is taken there gets its time."""
        if action != MOVE:
            return
        session = self._session()
        folder, name = posixpath.split(arrival.path)
        target = posixpath.join(folder, DONE_FOLDER)
        with named_causes(arrival.path):
            try:
                now = _arrival(arrival.path, session.stat(arrival.path))
            except FileNotFoundError:
                return  # moved before, by an attempt that was cut off, or taken away
            if now.revision != arrival.revision:
                return  # a newer file of the same name, which is still to be loaded
        with named_causes(target):
            with suppress(OSError):
                session.mkdir(target)
            place = posixpath.join(target, name)
            with suppress(FileNotFoundError):
                session.stat(place)
                stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
                place = posixpath.join(target, f"{stamp}-{name}")
            session.rename(arrival.path, place)

    def _session(self) -> paramiko.SFTPClient:
        if self._open is None:
            self._open = sign_in(self._account)
        return self._open[1]


class _Reader(io.RawIOBase):
    """Reads a remote file a window at a time, so that what was asked for ahead stays bounded."""

    def __init__(self, file: paramiko.SFTPFile, arrival: Arrival) -> None:
        self._file, self._arrival = file, arrival
        self._offset, self._size = 0, arrival.size_bytes or 0

    def read(self, _size: int = -1) -> bytes:
        """The next window, whatever size was asked for; empty at the end.

        Raises ChangedWhileRead where the file ends early.
        """
        end = min(self._offset + _CHUNK * _CHUNKS, self._size)
        window = [(at, min(_CHUNK, end - at)) for at in range(self._offset, end, _CHUNK)]
        if not window:
            return b""
        blocks = []
        with named_causes(self._arrival.path):
            for block, (_, size) in zip(self._file.readv(window), window, strict=False):
                if len(block) != size:
                    # At once: paramiko would wait in vain for the blocks that lie behind the end.
                    raise ChangedWhileRead(f"{self._arrival.name} ended early; it is tried again.")
                blocks.append(block)
        self._offset = end
        return b"".join(blocks)


def _arrival(path: str, entry: paramiko.SFTPAttributes) -> Arrival:
    """A file with its size and time as its revision: the protocol has nothing better."""
    seconds = entry.st_mtime or 0
    return Arrival(
        path,
        revision=f"{entry.st_size}-{seconds}",
        size_bytes=entry.st_size or 0,
        modified_at=datetime.fromtimestamp(seconds, UTC),
    )
