"""The SFTP connector against OpenSSH's own server, and against asyncssh's."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncssh
import pytest

from bursar.errors import (
    ChangedWhileRead,
    HostKeyChanged,
    HostKeyUnknown,
    NotPermitted,
    PathMissing,
    SignInRefused,
)
from connectors import Connector
from connectors.sftp import Sftp
from tests.connectors.contract import MANY, ROWS, FolderContract, HostContract, Rows, csv_of
from tests.connectors.peers.sftp_servers import PASSWORD, AsyncSsh, OpenSsh, SftpServer


class Folder:
    """A folder of one of the servers."""

    def __init__(self, server: SftpServer) -> None:
        self.server = server
        self.name = uuid4().hex
        self.path = server.folder(self.name)
        self._written = 0

    def file(self, name: str) -> Path:
        return self.server.files / self.name / name

    def put(self, name: str, rows: Rows) -> None:
        self.file(name).write_bytes(csv_of(rows))
        self._written += 1  # the protocol knows whole seconds only
        os.utime(self.file(name), (1_700_000_000 + self._written,) * 2)
        self.server.own(self.file(name))

    def take_away(self, name: str) -> None:
        self.file(name).unlink()

    def settings(self) -> tuple[dict[str, Any], dict[str, Any]]:
        config = {
            "host": "127.0.0.1",
            "port": self.server.port,
            "username": self.server.user,  # type: ignore[attr-defined]
            "path": self.path,
            "host_key": self.server.pin,
        }
        return config, {"private_key": self.server.private_key}

    def elsewhere(self, host: str, port: int) -> tuple[dict[str, Any], dict[str, Any]]:
        config, secret = self.settings()
        return config | {"host": host, "port": port}, secret

    def wrong_secrets(self) -> Iterator[dict[str, Any]]:
        yield {
            "private_key": asyncssh.generate_private_key("ssh-ed25519")
            .export_private_key()
            .decode()
        }
        yield {"password": "not the password"}
        yield {"private_key": "-----BEGIN OPENSSH PRIVATE KEY-----\nnonsense\n"}
        yield {}

    def missing(self) -> dict[str, Any]:
        return self.settings()[0] | {"path": self.server.path("no-such-folder")}


@pytest.fixture(scope="module", params=[OpenSsh, AsyncSsh], ids=["openssh", "asyncssh"])
def server(request: pytest.FixtureRequest) -> Iterator[SftpServer]:
    running = request.param()
    yield running
    running.stop()


@pytest.fixture
def place(server: SftpServer) -> Folder:
    return Folder(server)


class TestSftp(FolderContract, HostContract):
    kind = "sftp"

    def test_a_host_key_that_nobody_agreed_to_is_shown(self, place: Folder) -> None:
        config, secret = place.settings()
        with pytest.raises(HostKeyUnknown) as shown:
            self.attempt(config | {"host_key": ""}, secret)
        assert shown.value.extra["host_key"] == " ".join(place.server.pin.split()[:2])
        assert str(shown.value.extra["fingerprint"]).startswith("SHA256:")
        self.attempt(config | {"host_key": str(shown.value.extra["host_key"])}, secret)

    def test_a_changed_host_key_is_refused_before_the_secret_is_sent(self, place: Folder) -> None:
        other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
        config, secret = place.settings()
        with pytest.raises(HostKeyChanged):
            self.attempt(config | {"host_key": other}, secret)

    def test_a_pin_that_is_no_key_is_refused(self, place: Folder) -> None:
        config, secret = place.settings()
        with pytest.raises(HostKeyUnknown, match="is no SSH host key"):
            self.attempt(config | {"host_key": "ssh-ed25519 nonsense"}, secret)

    def test_a_key_with_a_passphrase_needs_it(self, place: Folder) -> None:
        config, _ = place.settings()
        sealed = place.server.user_key.export_private_key(passphrase="opens").decode()
        self.attempt(config, {"private_key": sealed, "passphrase": "opens"})
        with pytest.raises(SignInRefused):
            self.attempt(config, {"private_key": sealed})

    def test_a_file_is_no_folder(self, place: Folder) -> None:
        place.put("budget.csv", ROWS)
        config, secret = place.settings()
        with pytest.raises(PathMissing, match="is a file"):
            self.attempt(config | {"path": f"{place.path}/budget.csv"}, secret)

    def test_folders_within_are_left_alone(self, place: Folder, reader: Connector) -> None:
        place.file("older").mkdir()
        assert list(reader.list()) == []

    def test_a_file_that_grows_while_it_is_read_is_not_taken(
        self, place: Folder, reader: Connector
    ) -> None:
        place.put("budget.csv", ROWS)
        (arrival,) = reader.list()
        opened = reader.open(arrival)
        opened.__enter__().read(1)
        with place.file("budget.csv").open("ab") as file:
            file.write(b"Fire,5\n")
        with pytest.raises(ChangedWhileRead):
            opened.__exit__(None, None, None)

    @pytest.mark.parametrize("left", [0, 1, 32_768, 100_000])
    def test_a_file_that_was_cut_short_since_it_was_listed_is_noticed_at_once(
        self, place: Folder, reader: Connector, left: int
    ) -> None:
        place.put("budget.csv", MANY)
        place.put("next.csv", MANY)
        arrival, following = sorted(reader.list(), key=lambda found: found.name)
        start = time.monotonic()
        os.truncate(place.file("budget.csv"), left)
        with pytest.raises(ChangedWhileRead):
            self.read(reader, arrival)
        assert time.monotonic() - start < 10
        assert self.rows(self.read(reader, following)) == MANY, "the run goes on with the next one"


@pytest.fixture(scope="module")
def asyncssh_server() -> Iterator[AsyncSsh]:
    running = AsyncSsh()
    yield running
    running.stop()


@pytest.fixture
def _allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    from bursar.config import settings

    monkeypatch.setattr(settings(), "allow_private_hosts", "127.0.0.1")


@pytest.mark.usefixtures("_allowed")
def test_a_password_signs_in(asyncssh_server: AsyncSsh) -> None:
    config, _ = Folder(asyncssh_server).settings()
    with Sftp(config, {"password": PASSWORD}) as connector:
        assert connector.check()
    with Sftp(config, {"password": "wrong"}) as connector, pytest.raises(SignInRefused):
        connector.check()


@pytest.mark.usefixtures("_allowed")
def test_a_closed_folder_is_named(asyncssh_server: AsyncSsh) -> None:
    asyncssh_server.folder("closed")
    config, secret = Folder(asyncssh_server).settings()
    with Sftp(config | {"path": "/closed"}, secret) as connector, pytest.raises(NotPermitted):
        connector.check()
