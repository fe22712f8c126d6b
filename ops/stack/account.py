"""The unprivileged account that servers run as when Bursar itself is started by root.

PostgreSQL refuses to run as root, and nothing else here needs to. An ordinary user's servers
simply run as that user.
"""

from __future__ import annotations

import os
import pwd
import stat
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from bursar.errors import Misconfigured


class Identification(TypedDict, total=False):
    """The arguments of `subprocess` that make a child run as another account."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True)
class Account:
    """An account of the operating system; `switch` says whether a child has to change to it."""

    name: str
    uid: int
    gid: int
    switch: bool

    def arguments(self) -> Identification:
        """What `subprocess` needs so that a child runs as this account."""
        if not self.switch:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def reaches(self, path: Path) -> bool:
        """Whether this account can enter a folder or run a file, with all folders above it."""
        if not self.switch:
            return os.access(path, os.X_OK)
        check = subprocess.run(
            ["/bin/sh", "-c", 'test -x "$1"', "sh", str(path)],
            cwd="/",
            check=False,
            **self.arguments(),
        )
        return check.returncode == 0

    def writes(self, folder: Path) -> bool:
        """Whether this account can make files in a folder."""
        check = subprocess.run(
            ["/bin/sh", "-c", 'test -d "$1" && test -w "$1"', "sh", str(folder)],
            cwd="/",
            check=False,
            **self.arguments(),
        )
        return check.returncode == 0

    def own(self, folder: Path) -> None:
        """Make a folder that only this account (and root) can enter."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
        if self.switch and found.st_uid != self.uid:
            os.chown(folder, self.uid, self.gid, follow_symlinks=False)
        if found.st_mode & 0o077:
            folder.chmod(0o700)

    def take_from_root(self, folder: Path) -> None:
        """Own everything under a folder that belongs to root."""
        for place, folders, files in os.walk(folder):
            for name in (*folders, *files):
                entry = Path(place) / name
                found = entry.lstat()
                # A file with a second name may be one of the system's, put here to be given away.
                single = stat.S_ISDIR(found.st_mode) or found.st_nlink == 1
                if found.st_uid == 0 and single:
                    os.chown(entry, self.uid, self.gid, follow_symlinks=False)


def current_account() -> Account:
    """The account of this process itself."""
    uid = os.geteuid()
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError as unknown:
        raise Misconfigured(
            f"User id {uid} has no entry in /etc/passwd, which PostgreSQL needs; "
            "add one or start Bursar as another user."
        ) from unknown
    return Account(name, uid, os.getegid(), switch=False)


def service_account(home: Path) -> Account:
    """The account for the servers of this home.

    For root it is the owner of the home where that is an ordinary user (so that root can stop or
    start what a user has set up), else `postgres` or `nobody`.
    """
    if os.geteuid() != 0:
        return current_account()
    owner = home.stat().st_uid if home.exists() else 0
    for known in _candidates(owner):
        return Account(known.pw_name, known.pw_uid, known.pw_gid, switch=True)
    raise Misconfigured(
        "PostgreSQL cannot run as root and there is neither a `postgres` nor a `nobody` account; "
        "create one, or start Bursar as an ordinary user."
    )


def _candidates(owner: int) -> list[pwd.struct_passwd]:
    """Accounts that exist, best first; initdb looks the account up, so it has to have a name."""
    found = []
    if owner != 0:
        with suppress(KeyError):
            found.append(pwd.getpwuid(owner))
    for name in ("postgres", "nobody"):
        try:
            found.append(pwd.getpwnam(name))
        except KeyError:
            continue
    return found
