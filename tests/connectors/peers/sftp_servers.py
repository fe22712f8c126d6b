"""Two SFTP servers: OpenSSH's own with keys, and asyncssh's, which also takes passwords."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import tempfile
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncssh

from tests.connectors.peers.processes import Server, free_port, libraries, program

USER, PASSWORD = "budgets", "a password of the server"


class SftpServer(ABC):
    """What both have in common: a host key, a user's key, and a folder of files."""

    def __init__(self) -> None:
        # Not in pytest's folder, which is closed to the account that the server runs as.
        self.home = Path(tempfile.mkdtemp(prefix="bursar-sftp-"))
        self.home.chmod(0o755)
        self.files = self.home / "files"
        self.files.mkdir()
        self.host_key = asyncssh.generate_private_key("ssh-ed25519")
        self.user_key = asyncssh.generate_private_key("ssh-ed25519")
        self.port = free_port()

    @property
    def pin(self) -> str:
        return self.host_key.export_public_key().decode().strip()

    @property
    def private_key(self) -> str:
        return self.user_key.export_private_key().decode()

    def folder(self, name: str) -> str:
        """A fresh folder of the server, as the client names it."""
        (self.files / name).mkdir()
        self.own(self.files / name)
        return self.path(name)

    @abstractmethod
    def path(self, name: str) -> str:
        """A folder as the client names it."""

    def own(self, path: Path) -> None:  # noqa: B027  nothing to do where it is this process
        """Give a file to the account that the server runs as."""

    def stop(self) -> None:
        shutil.rmtree(self.home, ignore_errors=True)


class OpenSsh(SftpServer):
    """Debian's sshd on a high port, as a user without rights."""

    def __init__(self) -> None:
        super().__init__()
        # sshd refuses to be root's without its own user; "nobody" counts as locked.
        self._account = pwd.getpwnam("daemon") if os.geteuid() == 0 else None
        etc = self.home / "etc"
        etc.mkdir()
        for name, content in {
            "hostkey": self.host_key.export_private_key().decode(),
            "authorized": self.user_key.export_public_key().decode(),
        }.items():
            (etc / name).write_text(content)
            (etc / name).chmod(0o600)
        (etc / "config").write_text(
            f"Port {self.port}\nListenAddress 127.0.0.1\nHostKey {etc}/hostkey\nPidFile none\n"
            "UsePAM no\nStrictModes no\nPasswordAuthentication no\n"
            "KbdInteractiveAuthentication no\n"
            f"AuthorizedKeysFile {etc}/authorized\nSubsystem sftp internal-sftp\n"
            "ForceCommand internal-sftp\nAllowTcpForwarding no\nX11Forwarding no\n"
            "MaxStartups 100:30:200\n"
        )
        for path in (self.home, etc, *etc.iterdir(), self.files):
            self.own(path)
        command = [program("sshd", "/usr/sbin/sshd"), "-D", "-e", "-f", f"{etc}/config"]
        if self._account:
            command = ["setpriv", "--reuid=daemon", "--regid=daemon", "--clear-groups", *command]
        self._server = Server(command, self.port, self.home / "log", **libraries())

    @property
    def user(self) -> str:
        return "daemon" if self._account else pwd.getpwuid(os.getuid()).pw_name

    def own(self, path: Path) -> None:
        if self._account:
            os.chown(path, self._account.pw_uid, self._account.pw_gid)

    def path(self, name: str) -> str:
        return str(self.files / name)

    def stop(self) -> None:
        self._server.stop()
        super().stop()


class AsyncSsh(SftpServer):
    """asyncssh in a thread of this process; it refuses writing below a folder named `closed`."""

    user = USER

    def __init__(self) -> None:
        super().__init__()
        # Called before each block that somebody reads, to meddle with the file meanwhile.
        self.before_read: Callable[[], object] | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(20)

    async def _listen(self) -> None:
        self._acceptor = await asyncssh.listen(
            "127.0.0.1",
            self.port,
            server_host_keys=[self.host_key],
            server_factory=lambda: _Users(self),
            sftp_factory=lambda channel: _Files(self, channel),
        )

    def path(self, name: str) -> str:
        return f"/{name}"

    def stop(self) -> None:
        async def end() -> None:
            self._acceptor.close()
            await self._acceptor.wait_closed()

        asyncio.run_coroutine_threadsafe(end(), self._loop).result(20)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(20)
        super().stop()


class _Users(asyncssh.SSHServer):
    def __init__(self, server: AsyncSsh) -> None:
        self._server = server

    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == (USER, PASSWORD)

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        ours = self._server.user_key.convert_to_public().public_data
        return username == USER and key.public_data == ours


class _Files(asyncssh.SFTPServer):
    def __init__(self, server: AsyncSsh, channel: asyncssh.SSHServerChannel[bytes]) -> None:
        super().__init__(channel, chroot=str(server.files).encode())
        self._meddled = server

    def read(self, file_obj: object, offset: int, size: int) -> Any:
        if self._meddled.before_read is not None:
            self._meddled.before_read()
        return super().read(file_obj, offset, size)

    def scandir(self, path: bytes) -> object:
        if b"closed" in path:
            raise asyncssh.SFTPPermissionDenied("closed")
        return super().scandir(path)
