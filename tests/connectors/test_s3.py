"""The S3 connector against moto, which takes any secret, moto that checks them, and rclone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest

from bursar.config import settings
from bursar.errors import NotPermitted, SignInRefused
from connectors import Connector
from connectors.s3 import S3
from tests.connectors.contract import ROWS, FolderContract, HostContract, Rows, csv_of
from tests.connectors.peers.s3_servers import Moto, Rclone


class Bucket:
    """A bucket of one of the servers, and a prefix in it."""

    def __init__(self, server: Moto | Rclone) -> None:
        self.server = server
        self.name = f"budgets-{uuid4().hex[:12]}"
        server.client.create_bucket(Bucket=self.name)

    def put(self, name: str, rows: Rows) -> None:
        self.server.client.put_object(Bucket=self.name, Key=f"in/{name}", Body=csv_of(rows))

    def take_away(self, name: str) -> None:
        self.server.client.delete_object(Bucket=self.name, Key=f"in/{name}")

    def settings(self) -> tuple[dict[str, Any], dict[str, Any]]:
        config = {"bucket": self.name, "prefix": "in/", "endpoint_url": self.server.url}
        return config, dict(self.server.secret)

    def elsewhere(self, host: str, port: int) -> tuple[dict[str, Any], dict[str, Any]]:
        config, secret = self.settings()
        return config | {"endpoint_url": f"http://{host}:{port}"}, secret

    def wrong_secrets(self) -> Iterator[dict[str, Any]]:
        yield {}
        if self.server.strict:
            yield self.server.secret | {"secret_access_key": "not-the-secret-of-this-key"}
            yield {"access_key_id": "AKIANOBODY", "secret_access_key": "nothing-at-all"}

    def missing(self) -> dict[str, Any]:
        return self.settings()[0] | {"bucket": "no-such-bucket-here"}


SERVERS: dict[str, Callable[[], Moto | Rclone]] = {
    "open": lambda: Moto(strict=False),
    "strict": lambda: Moto(strict=True),
    "rclone": Rclone,
}


@pytest.fixture(scope="module", params=SERVERS)
def server(request: pytest.FixtureRequest) -> Iterator[Moto | Rclone]:
    running = SERVERS[request.param]()
    yield running
    running.stop()


@pytest.fixture
def place(server: Moto | Rclone) -> Bucket:
    return Bucket(server)


class TestS3(FolderContract, HostContract):
    kind = "s3"

    def test_only_the_prefix_is_read(self, place: Bucket, reader: Connector) -> None:
        place.put("budget.csv", ROWS)
        place.server.client.put_object(Bucket=place.name, Key="other/b.csv", Body=b"x")
        assert self.names(reader) == ["budget.csv"]

    # rclone's server makes a file of such a key.
    @pytest.mark.parametrize("server", ["open", "strict"], indirect=True)
    def test_the_mark_of_a_folder_is_no_file(self, place: Bucket, reader: Connector) -> None:
        place.put("budget.csv", ROWS)
        place.server.client.put_object(Bucket=place.name, Key="in/folder/", Body=b"")
        assert self.names(reader) == ["budget.csv"]

    # rclone's server knows no tags.
    @pytest.mark.parametrize("server", ["open", "strict"], indirect=True)
    def test_a_tagged_object_stays(self, place: Bucket, reader: Connector) -> None:
        place.put("budget.csv", ROWS)
        (arrival,) = reader.list()
        reader.settle(arrival, "tag")
        assert list(reader.list()) == [arrival]
        tags = place.server.client.get_object_tagging(Bucket=place.name, Key=arrival.path)
        assert tags["TagSet"] == [{"Key": "bursar", "Value": "imported"}]

    @pytest.mark.parametrize("server", ["strict"], indirect=True)
    def test_a_key_without_the_right_is_told_what_it_needs(self, place: Bucket) -> None:
        config, _ = place.settings()
        with pytest.raises(NotPermitted, match="s3:ListBucket"):
            self.attempt(config, dict(place.server.weak_secret))

    def test_this_machine_s_role_is_not_lent_unasked(self, place: Bucket) -> None:
        with pytest.raises(SignInRefused, match="BURSAR_S3_INSTANCE_CREDENTIALS"):
            self.attempt(place.settings()[0], {})

    @pytest.mark.parametrize("server", ["open"], indirect=True)
    def test_objects_cost_a_call_a_thousand(self, place: Bucket, reader: Connector) -> None:
        for n in range(1_050):
            place.server.client.put_object(Bucket=place.name, Key=f"in/{n:05}.csv", Body=b"x")
        before = len(place.server.calls())
        assert sum(1 for _ in reader.list()) == 1_050
        assert len(place.server.calls()) - before == 2


def test_the_environment_s_keys_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "the-operator-s")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "the-operator-s")
    monkeypatch.setattr(settings(), "s3_instance_credentials", False)
    with S3({"bucket": "b"}, {}) as connector, pytest.raises(SignInRefused):
        connector.check()
