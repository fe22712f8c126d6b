"""A test of the connection names the cause, whatever stands in the way."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import asyncssh
import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from bursar import network
from bursar.config import settings
from tests.api_client import Api
from tests.connectors.peers.google_server import Google
from tests.connectors.peers.s3_servers import Moto
from tests.connectors.peers.sftp_servers import PASSWORD, USER, AsyncSsh

Asked = tuple[str, dict[str, Any], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Peers:
    ssh: AsyncSsh
    s3: Moto
    google: Google

    def sftp(self, secret: dict[str, Any], **config: Any) -> Asked:
        place = {"host": "127.0.0.1", "port": self.ssh.port, "username": USER, "path": "/in",
                 "host_key": self.ssh.pin}  # fmt: skip
        return "sftp", place | config, secret

    def bucket(self, name: str, **secret: str) -> Asked:
        place = {"bucket": name, "endpoint_url": self.s3.url}
        return "s3", place, self.s3.secret | secret

    def sheet(self) -> Asked:
        self.google.put("kept", "Plan", [["Department"]])
        self.google.spreadsheets["kept"]["shared"] = False
        return "sheets", {"spreadsheet_id": "kept"}, {"service_account": self.google.account()}


@pytest.fixture(scope="module")
def peers() -> Iterator[Peers]:
    made = Peers(AsyncSsh(), Moto(strict=True), Google())
    made.ssh.folder("in")
    made.ssh.folder("closed")
    made.s3.client.create_bucket(Bucket="budgets")
    yield made
    for server in (made.ssh, made.s3, made.google):
        server.stop()


def closed_port() -> int:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port: int = closed.getsockname()[1]
        return port


def another_key() -> asyncssh.SSHKey:
    return asyncssh.generate_private_key("ssh-ed25519")


GOOD = {"password": PASSWORD}
SILENT = socket.create_server(("127.0.0.1", 0))
CASES: dict[str, tuple[Callable[[Peers], Asked], str, str]] = {
    "unknown name": (
        lambda p: p.sftp(GOOD, host="no-such-host.invalid"), "source_name_unknown", "no-such-host",
    ),
    "refused": (lambda p: p.sftp(GOOD, port=closed_port()), "source_no_connection", "refuse"),
    "time-out": (
        lambda p: p.sftp(GOOD, port=SILENT.getsockname()[1]), "source_no_answer", "said nothing",
    ),
    "changed host key": (
        lambda p: p.sftp(GOOD, host_key=another_key().export_public_key().decode().strip()),
        "host_key_changed", "not the one that was agreed to",
    ),
    "wrong key": (
        lambda p: p.sftp({"private_key": another_key().export_private_key().decode()}),
        "sign_in_refused", "this key",
    ),
    "wrong password": (lambda p: p.sftp({"password": "no"}), "sign_in_refused", "this password"),
    "no permission": (
        lambda p: p.sftp(GOOD, path="/closed"), "source_not_permitted", "/closed",
    ),
    "missing path": (lambda p: p.sftp(GOOD, path="/none"), "source_path_missing", "/none"),
    "missing bucket": (lambda p: p.bucket("nobodys"), "source_path_missing", "nobodys"),
    "wrong secret": (
        lambda p: p.bucket("budgets", secret_access_key="wrong"), "sign_in_refused", "secret",
    ),
    "sheet not shared": (lambda p: p.sheet(), "source_not_permitted", "client_email"),
}  # fmt: skip


@pytest.fixture
def answer(peers: Peers, api: Api, monkeypatch: pytest.MonkeyPatch) -> Callable[[Asked], Any]:
    monkeypatch.setattr(settings(), "allow_private_hosts", "127.0.0.1")
    monkeypatch.setattr(settings(), "secrets_key", SecretStr(Fernet.generate_key().decode()))
    monkeypatch.setattr(settings(), "sheets_base_url", peers.google.url)
    monkeypatch.setattr(settings(), "source_timeout_seconds", 1)
    monkeypatch.setattr(network, "CONNECT_SECONDS", 1)

    def ask(asked: Asked) -> Any:
        kind, config, secret = asked
        body = {"name": uuid4().hex, "type": kind, "config": config, "secret": secret}
        made = api.post("/sources", body)
        assert made.status_code == 201, made.get_json()
        return api.post(f"/sources/{made.get_json()['id']}/test").get_json()

    return ask


@pytest.mark.parametrize("case", CASES)
def test_the_cause_is_named(peers: Peers, answer: Callable[[Asked], Any], case: str) -> None:
    ask, code, words = CASES[case]
    said = answer(ask(peers))
    assert (said["ok"], said["code"]) == (False, code)
    assert words in said["detail"]


def test_no_two_causes_sound_alike(peers: Peers, answer: Callable[[Asked], Any]) -> None:
    details = {answer(ask(peers))["detail"] for ask, _, _ in CASES.values()}
    assert len(details) == len(CASES)


def test_a_good_connection_says_what_it_saw(peers: Peers, answer: Callable[[Asked], Any]) -> None:
    assert answer(peers.sftp(GOOD))["ok"]
    assert answer(peers.bucket("budgets"))["ok"]
