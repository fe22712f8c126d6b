"""What every connector must do, whatever it talks to. Each kind inherits this with a place of its
own.
"""

from __future__ import annotations

import csv
import io
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import pytest

from bursar import network
from bursar.config import settings
from bursar.errors import (
    ChangedWhileRead,
    HostNotAllowed,
    NameUnknown,
    NoAnswer,
    NoConnection,
    PathMissing,
    SignInRefused,
    Transient,
)
from connectors import CONNECTORS, Arrival, Connector, connector_class

Rows = list[list[str]]
ROWS = [["Department", "Budget"], ["Parks", "10"], ["Straßen", "20"]]
# More than any client takes in one piece, and no round number of them.
MANY = [["Department", "Budget"], *([f"Department {n}", str(n)] for n in range(120_001))]


class Place(Protocol):
    """Somewhere that a kind of connector reads from, as its tests see it."""

    def put(self, name: str, rows: Rows) -> None:
        """Write a file, or write it anew."""

    def take_away(self, name: str) -> None:
        """Remove a file."""

    def settings(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """`config` and `secret` of a source that reads here."""

    def missing(self) -> dict[str, Any]:
        """A `config` that names a place which does not exist."""


class HostPlace(Place, Protocol):
    """The same on a host."""

    def elsewhere(self, host: str, port: int) -> tuple[dict[str, Any], dict[str, Any]]:
        """The same on another server."""

    def wrong_secrets(self) -> Iterator[dict[str, Any]]:
        """Secrets that this place must refuse."""


def csv_of(rows: Rows) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


class ConnectorContract:
    kind: str
    many_files = True

    @pytest.fixture(autouse=True)
    def _allowed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(settings(), "allow_private_hosts", "127.0.0.0/8")

    @pytest.fixture
    def reader(self, place: Place) -> Iterator[Connector]:
        with connector_class(self.kind)(*place.settings()) as connector:  # type: ignore[call-arg]
            yield connector

    def read(self, connector: Connector, arrival: Arrival) -> bytes:
        with connector.open(arrival) as stream:
            return b"".join(iter(lambda: stream.read(1 << 20), b""))

    def rows(self, content: bytes) -> Rows:
        return list(csv.reader(io.StringIO(content.decode())))

    def attempt(self, config: dict[str, Any], secret: dict[str, Any]) -> str:
        with connector_class(self.kind)(config, secret) as connector:  # type: ignore[call-arg]
            return connector.check()

    # Looking ------------------------------------------------------------------------------------

    def test_it_is_registered_under_its_own_word(self) -> None:
        assert self.kind in CONNECTORS
        assert connector_class(self.kind).type == self.kind

    def test_a_check_says_what_was_seen(self, place: Place, reader: Connector) -> None:
        place.put("budget.csv", ROWS)
        assert reader.check()

    def test_a_file_is_listed_with_a_revision_that_stays(
        self, place: Place, reader: Connector
    ) -> None:
        place.put("budget.csv", ROWS)
        (first,) = reader.list()
        (again,) = reader.list()
        assert first == again
        assert first.revision
        assert first.modified_at is not None
        assert "/" not in first.name

    def test_other_content_is_another_revision(self, place: Place, reader: Connector) -> None:
        place.put("budget.csv", ROWS)
        (first,) = reader.list()
        place.put("budget.csv", [*ROWS, ["Fire", "5"]])
        (second,) = reader.list()
        assert second.revision != first.revision
        assert second.path == first.path

    # Reading ------------------------------------------------------------------------------------

    @pytest.mark.parametrize("rows", [ROWS, MANY], ids=["few", "many"])
    def test_the_rows_come_whole(self, place: Place, reader: Connector, rows: Rows) -> None:
        place.put("budget.csv", rows)
        (arrival,) = reader.list()
        assert self.rows(self.read(reader, arrival)) == rows

    def test_the_same_content_gives_the_same_bytes(self, place: Place, reader: Connector) -> None:
        place.put("budget.csv", ROWS)
        (arrival,) = reader.list()
        assert self.read(reader, arrival) == self.read(reader, arrival)

    def test_a_file_that_was_replaced_since_is_not_taken_for_the_one_listed(
        self, place: Place, reader: Connector
    ) -> None:
        place.put("budget.csv", ROWS)
        (arrival,) = reader.list()
        place.put("budget.csv", [*ROWS, ["Fire", "5"]])
        with pytest.raises(ChangedWhileRead):
            self.read(reader, arrival)

    def test_a_file_that_is_gone_says_so(self, place: Place, reader: Connector) -> None:
        place.put("budget.csv", ROWS)
        (arrival,) = reader.list()
        place.take_away("budget.csv")
        with pytest.raises(PathMissing):
            self.read(reader, arrival)

    # Refusing -----------------------------------------------------------------------------------

    def test_a_place_that_does_not_exist_is_named(self, place: Place) -> None:
        place.put("budget.csv", ROWS)
        _, secret = place.settings()
        with pytest.raises(PathMissing):
            self.attempt(place.missing(), secret)

    # Settling -----------------------------------------------------------------------------------

    def test_leaving_a_file_leaves_it(self, place: Place, reader: Connector) -> None:
        place.put("budget.csv", ROWS)
        (arrival,) = reader.list()
        reader.settle(arrival, "leave")
        assert list(reader.list()) == [arrival]

    def test_closing_twice_does_no_harm(self, place: Place) -> None:
        connector = connector_class(self.kind)(*place.settings())  # type: ignore[call-arg]
        with connector:
            pass
        connector.__exit__()


class FolderContract(ConnectorContract):
    """What connectors of places with many files must do beyond that."""

    def names(self, connector: Connector) -> list[str]:
        return sorted(arrival.name for arrival in connector.list())

    def test_an_empty_place_has_no_files(self, reader: Connector) -> None:
        assert list(reader.list()) == []

    def test_names_of_any_kind_are_listed(self, place: Place, reader: Connector) -> None:
        for name in ("budget.csv", "Büdget 2026 (1).csv", "予算.csv", "a+b&c.csv"):
            place.put(name, ROWS)
        assert len(self.names(reader)) == 4
        for arrival in reader.list():
            assert self.rows(self.read(reader, arrival)) == ROWS

    def test_unfinished_files_are_not_listed(self, place: Place, reader: Connector) -> None:
        for name in ("a.csv.part", ".hidden.csv", "~$b.xlsx", "c.csv.filepart", "d.csv"):
            place.put(name, ROWS)
        assert self.names(reader) == ["d.csv"]

    def test_the_pattern_chooses(self, place: Place) -> None:
        for name in ("budget_q1.csv", "BUDGET_q2.CSV", "notes.txt", "q3.xlsx"):
            place.put(name, ROWS)
        config, secret = place.settings()
        config["pattern"] = "budget_*.csv, *.xlsx"
        with connector_class(self.kind)(config, secret) as connector:  # type: ignore[call-arg]
            assert self.names(connector) == ["BUDGET_q2.CSV", "budget_q1.csv", "q3.xlsx"]

    def test_an_empty_file_is_listed_and_read(self, place: Place, reader: Connector) -> None:
        place.put("empty.csv", [])
        (arrival,) = reader.list()
        assert (arrival.size_bytes, self.read(reader, arrival)) == (0, b"")

    def test_a_moved_file_is_not_listed_again(self, place: Place, reader: Connector) -> None:
        for _ in range(2):  # the second one meets the name of the first
            place.put("budget.csv", ROWS)
            (arrival,) = reader.list()
            reader.settle(arrival, "move")
            assert list(reader.list()) == []
        reader.settle(arrival, "move")  # moved already, by an attempt that was cut off

    def test_a_newer_file_of_the_name_is_not_moved(self, place: Place, reader: Connector) -> None:
        place.put("budget.csv", ROWS)
        (arrival,) = reader.list()
        place.put("budget.csv", [*ROWS, ["Fire", "5"]])
        reader.settle(arrival, "move")
        assert self.names(reader) == ["budget.csv"]


class HostContract(ConnectorContract):
    """What connectors of places on other hosts, which want a secret, must do beyond that."""

    def test_a_wrong_secret_is_named_and_not_told(self, place: HostPlace) -> None:
        place.put("budget.csv", ROWS)
        config, _ = place.settings()
        for secret in place.wrong_secrets():
            with pytest.raises(SignInRefused) as refused:
                self.attempt(config, secret)
            for value in secret.values():
                assert str(value) not in refused.value.detail
            assert not isinstance(refused.value, Transient)

    @contextmanager
    def elsewhere(self, place: HostPlace, host: str, port: int) -> Iterator[Connector]:
        config, secret = place.elsewhere(host, port)
        with connector_class(self.kind)(config, secret) as connector:  # type: ignore[call-arg]
            yield connector

    def test_an_unknown_host_is_named(self, place: HostPlace) -> None:
        with (
            self.elsewhere(place, "no-such-host.invalid", 22) as connector,
            pytest.raises(NameUnknown),
        ):
            connector.check()

    def test_a_refused_connection_is_named(self, place: HostPlace) -> None:
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            port = closed.getsockname()[1]
        with (
            self.elsewhere(place, "127.0.0.1", port) as connector,
            pytest.raises(NoConnection) as refused,
        ):
            connector.check()
        assert not isinstance(refused.value, NoAnswer)
        assert isinstance(refused.value, Transient)

    def test_a_host_that_says_nothing_is_named(
        self, place: HostPlace, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(network, "CONNECT_SECONDS", 0.3)
        monkeypatch.setattr(settings(), "source_timeout_seconds", 1)
        with socket.create_server(("127.0.0.1", 0)) as silent:
            port = silent.getsockname()[1]
            with self.elsewhere(place, "127.0.0.1", port) as connector, pytest.raises(NoAnswer):
                connector.check()

    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "[::1]"])
    def test_a_private_host_is_refused_unless_the_operator_allows_it(
        self, place: HostPlace, monkeypatch: pytest.MonkeyPatch, host: str
    ) -> None:
        monkeypatch.setattr(settings(), "allow_private_hosts", "")
        asked: list[object] = []
        monkeypatch.setattr(socket, "create_connection", lambda *a, **k: asked.append(a))
        with self.elsewhere(place, host, 22) as connector, pytest.raises(HostNotAllowed):
            connector.check()
        assert asked == []
