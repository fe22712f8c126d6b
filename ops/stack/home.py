"""The home: the folder with all that the embedded stack of one installation keeps.

    id  lock  state.json  secrets/  logs/  files/  beat/  postgres/  valkey/  run/  dist/

PostgreSQL and Valkey have to be able to enter their own folders. Where root starts the stack in
a place that their account cannot enter (a checkout under a 0700 `/root`), their folders go to
`/var/lib/bursar/<id>` and the link `elsewhere` in the home says so.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bursar.errors import Conflict, Misconfigured
from ops.stack.account import Account, service_account

ELSEWHERE = Path("/var/lib/bursar")
# A socket's whole path has to fit in 107 bytes; a client may add a suffix of its own.
LONGEST_SOCKET = 89
LONGEST_SOCKET_NAME = len("/.s.PGSQL.5432")


class HomeInUse(Conflict):
    """Another supervisor is running this home."""

    code = "home_in_use"


@dataclass(frozen=True, slots=True)
class Home:
    """Paths, secrets and the lock of one installation."""

    path: Path
    account: Account
    id: str

    @property
    def place(self) -> Path:
        """Where the servers' own folders are: the home itself, or its place elsewhere."""
        link = self.path / "elsewhere"
        return link.readlink() if link.is_symlink() else self.path

    @property
    def run(self) -> Path:
        """The folder of the sockets; short and plain, whatever the home is called."""
        usual = self.place / "run"
        if _fits_socket(usual):
            return usual
        for parent in (Path(tempfile.gettempdir()), Path("/tmp")):  # noqa: S108
            if _fits_socket(parent / f"bursar-{self.id}") and self.account.reaches(parent):
                return parent / f"bursar-{self.id}"
        raise Misconfigured(f"No folder is short enough for sockets; {usual} is too long.")

    @property
    def logs(self) -> Path:
        """The folder of the log files, one for each process."""
        return self.path / "logs"

    @property
    def state_file(self) -> Path:
        """What the supervisor started, for `status`, `down` and the next `up`."""
        return self.path / "state.json"

    def log(self, name: str) -> Path:
        """The log file of one process."""
        return self.logs / f"{name}.log"

    def secret(self, name: str) -> str:
        """A secret of this installation, generated the first time it is asked for."""
        file = self.path / "secrets" / name
        try:
            return _read_or_make(file)
        except PermissionError as refused:
            raise Misconfigured(f"{file} belongs to another user; run as its owner.") from refused

    def private_run(self) -> Path:
        """Make the folder of the sockets, and refuse one that somebody else has put there."""
        self.account.own(self.run)
        found = self.run.lstat()
        if self.run.is_symlink() or found.st_uid != self.account.uid:
            raise Misconfigured(f"{self.run} belongs to somebody else; remove it.")
        return self.run

    def give_back(self) -> None:
        """Where root has worked in a user's home, make what it wrote there the user's again."""
        if self.account.switch and self.path.stat().st_uid == self.account.uid:
            self.account.take_from_root(self.path)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the home; raise HomeInUse where another supervisor holds it."""
        # The lock goes with the open file, so that a killed supervisor leaves none behind.
        with (self.path / "lock").open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as held:
                raise HomeInUse(f"Bursar is already running in {self.path}.") from held
            yield


def open_home(path: Path, *, create: bool = True) -> Home | None:
    """The home at a path; made where it is missing, or None with `create=False`."""
    path = Path(os.path.abspath(path.expanduser()))  # noqa: PTH100 (keeps links as they are)
    if not create and not (path / "id").exists():
        return None
    try:
        return _opened(path)
    except PermissionError as refused:
        raise Misconfigured(
            f"{path} cannot be used by this user ({refused.strerror}); "
            "choose another folder with BURSAR_HOME."
        ) from refused


def _opened(path: Path) -> Home:
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    account = service_account(path)
    if account.switch and not path.stat().st_mode & 0o001:
        path.chmod(0o711)  # The account has to pass through; its folders inside are private.
    for name in ("secrets", "logs"):
        (path / name).mkdir(mode=0o700, exist_ok=True)
    home = Home(path, account, _read_or_make(path / "id", length=4))
    if not account.reaches(path) and not (path / "elsewhere").is_symlink():
        room = ELSEWHERE / home.id
        for folder in (ELSEWHERE, room):
            make_passable(folder)
        # Whoever removes the home by hand can find out whose this was.
        (room / "home").write_text(f"{path}\n")
        (path / "elsewhere").symlink_to(room)
    return home


def make_passable(folder: Path) -> None:
    """Make a folder that other accounts can pass through but not list, whatever the umask is."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o711)


def _read_or_make(file: Path, *, length: int = 24) -> str:
    """The text of a 0600 file; the one who makes it first decides what it says."""
    try:
        return file.read_text().strip()
    except FileNotFoundError:
        pass
    new = file.with_name(f".{file.name}.{os.getpid()}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as opened:
        opened.write(secrets.token_hex(length) + "\n")
    try:
        os.link(new, file)  # Fails where another process was faster, and never shows half a file.
    except FileExistsError:
        pass
    finally:
        new.unlink()
    return file.read_text().strip()


def _fits_socket(folder: Path) -> bool:
    """Whether sockets in this folder have paths that every client takes, unquoted in a URL."""
    short = len(os.fsencode(folder)) + LONGEST_SOCKET_NAME <= LONGEST_SOCKET
    return short and re.fullmatch(r"[A-Za-z0-9_./-]+", str(folder)) is not None
