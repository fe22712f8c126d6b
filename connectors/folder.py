"""Files in a folder of this machine, below the one root that its operator opens for it.

Every step down is taken from a folder that is open already and follows no link, so that nothing
that somebody puts there, or changes meanwhile, leads out of the root.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from io import BufferedReader, FileIO
from pathlib import PurePosixPath
from typing import IO, Any

from bursar.errors import (
    ChangedWhileRead,
    FolderNotAllowed,
    NotPermitted,
    PathMissing,
    SourceBusy,
    SourceFault,
)
from bursar.sources.folders import root_of
from connectors.patterns import matcher, wanted
from connectors.protocol import DONE_FOLDER, LEAVE, MOVE, Arrival

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
# A pipe of the name of a file must not hold us up.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Folder:
    """One folder, not the folders in it.

    `config`: path below the root, pattern, and the tenant whose root it is. It has no secret.
    """

    type = "folder"
    after_actions: tuple[str, ...] = (LEAVE, MOVE)

    def __init__(self, config: dict[str, Any], _secret: dict[str, Any]) -> None:
        self._path = str(config.get("path") or "")
        self._tenant = str(config.get("tenant") or "")
        self._pattern = matcher(str(config.get("pattern") or ""))
        self._open: int | None = None

    def __enter__(self) -> Folder:
        """Itself; the folder is opened when it is first needed."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the folder."""
        if self._open is not None:
            os.close(self._open)
        self._open = None

    def check(self) -> str:
        """Look at the folder."""
        count = sum(1 for _ in self.list())
        return f"{self._path or 'The folder'} has {count:,} matching files."

    def list(self) -> Iterator[Arrival]:
        """The files of the folder, in the order that the system gives them."""
        with _named_causes(self._path), os.scandir(self._folder()) as entries:
            for entry in entries:
                if not _is_text(entry.name) or not wanted(entry.name, self._pattern):
                    continue
                with suppress(FileNotFoundError):  # gone since
                    seen = entry.stat(follow_symlinks=False)
                    if stat.S_ISREG(seen.st_mode):
                        yield _arrival(entry.name, seen)

    @contextmanager
    def open(self, arrival: Arrival) -> Iterator[IO[bytes]]:
        """The file's bytes; its size and time must be the same after as they were when listed."""
        name = arrival.name
        with _named_causes(name):
            descriptor = os.open(name, _FILE, dir_fd=self._folder())
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise PathMissing(f"{name} is no file any more.")
        with BufferedReader(_Reader(descriptor, name)) as file:
            yield file
            after = _arrival(name, os.fstat(descriptor))
        with _named_causes(name):
            now = _arrival(name, self._stat(name))
        if not arrival.revision == after.revision == now.revision:
            raise ChangedWhileRead(f"{name} is still being written; it is tried again.")

    def settle(self, arrival: Arrival, action: str) -> None:
        """Move a loaded file into a folder beside it; a name that is taken there gets its time."""
        if action != MOVE:
            return
        name, here = arrival.name, self._folder()
        with _named_causes(name):
            try:
                now = _arrival(name, self._stat(name))
            except FileNotFoundError:
                return  # moved before, by an attempt that was cut off, or taken away
            if now.revision != arrival.revision:
                return  # a newer file of the same name, which is still to be loaded
        with _named_causes(DONE_FOLDER, within=here):
            with suppress(FileExistsError):
                os.mkdir(DONE_FOLDER, 0o770, dir_fd=here)
            there = os.open(DONE_FOLDER, _FOLDER | os.O_NOFOLLOW, dir_fd=here)
            try:
                target = name
                with suppress(FileNotFoundError):
                    os.stat(target, dir_fd=there, follow_symlinks=False)
                    target = f"{datetime.now(UTC).strftime('%Y%m%dT%H%M%S%f')}-{name}"
                os.rename(name, target, src_dir_fd=here, dst_dir_fd=there)
            finally:
                os.close(there)

    def _stat(self, name: str) -> os.stat_result:
        return os.stat(name, dir_fd=self._folder(), follow_symlinks=False)

    def _folder(self) -> int:
        """The folder, opened step by step from the root."""
        if self._open is None:
            root = root_of(self._tenant)
            given, own = _parts(root, self._tenant)
            with _named_causes(given):
                current = os.open(given, _FOLDER)
            try:
                for part in (*own, *_steps(self._path, root)):
                    with _named_causes(part, within=current):
                        below = os.open(part, _FOLDER | os.O_NOFOLLOW, dir_fd=current)
                    os.close(current)
                    current = below
            except SourceFault:
                os.close(current)
                raise
            self._open = current
        return self._open


class _Reader(FileIO):
    """An open file; what goes wrong while it is read, as on a share that went away, has a cause."""

    def __init__(self, descriptor: int, name: str) -> None:
        super().__init__(descriptor)
        self._name = name

    def readinto(self, buffer: Any, /) -> int | None:
        """Read once."""
        with _named_causes(self._name):
            return super().readinto(buffer)


def _parts(root: str, tenant: str) -> tuple[str, tuple[str, ...]]:
    """The operator's part of a root, whose links are followed, and the tenant's own part."""
    end = root.find("/", root.find(tenant)) if tenant and tenant in root else -1
    return (root, ()) if end < 0 else (root[:end], PurePosixPath(root[end + 1 :]).parts)


def _steps(path: str, root: str) -> tuple[str, ...]:
    """The folders to go down through; a whole path has to begin with the root."""
    steps = PurePosixPath(path)
    if steps.is_absolute():
        try:
            steps = steps.relative_to(root)
        except ValueError:
            raise FolderNotAllowed(
                f"{path} is not below the folder that the operator has opened."
            ) from None
    if ".." in steps.parts:
        raise FolderNotAllowed(f"{path} leads out of the folder that the operator has opened.")
    return steps.parts


def _arrival(name: str, seen: os.stat_result) -> Arrival:
    return Arrival(
        name,
        revision=f"{seen.st_size}-{seen.st_mtime_ns}",
        size_bytes=seen.st_size,
        modified_at=_moment(seen.st_mtime),
    )


def _moment(seconds: float) -> datetime | None:
    """A time of the file system, None for those that no calendar has."""
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return moment if 1 < moment.year < 9999 else None  # so that every time zone has it


@contextmanager
def _named_causes(name: str, within: int | None = None) -> Iterator[None]:
    """Raise what the system refuses by its cause. `within`: the folder that `name` is to be in."""
    try:
        yield
    except PermissionError as error:
        raise NotPermitted(
            f"The account that Bursar runs as may not read, or not move, {name}."
        ) from error
    except OSError as error:
        if within is not None and _is_link(name, within):
            raise FolderNotAllowed(f"{name} is a link, and links are not followed.") from error
        # A link in the place of a file that was listed gives ELOOP.
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
            raise PathMissing(f"There is no file or folder {name}.") from error
        raise SourceBusy(f"{name} could not be read: {error.strerror}.") from error


def _is_text(name: str) -> bool:
    """Whether a name can be written down: the system takes any bytes for one."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_link(name: str, folder: int) -> bool:
    with suppress(OSError):
        return stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
    return False
