"""The Sheets connector against a server that speaks Google's calls and checks its assertions."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from python_calamine import CalamineWorkbook

from bursar.config import settings
from bursar.errors import ChangedWhileRead, HostNotAllowed, NotPermitted, PathMissing, SourceBusy
from connectors import Connector, google
from connectors.sheets import Sheets
from tests.connectors.contract import ROWS, HostContract, Rows
from tests.connectors.peers.google_server import Google


class Spreadsheet:
    """A spreadsheet of the server, with one tab."""

    tab = "FY 26"

    def __init__(self, server: Google, monkeypatch: pytest.MonkeyPatch) -> None:
        self.server = server
        self.id = uuid4().hex
        self._monkeypatch = monkeypatch
        monkeypatch.setattr(settings(), "sheets_base_url", server.url)

    def put(self, _name: str, rows: Rows) -> None:
        self.server.put(self.id, self.tab, rows)

    def take_away(self, _name: str) -> None:
        del self.server.spreadsheets[self.id]

    def settings(self) -> tuple[dict[str, Any], dict[str, Any]]:
        return {"spreadsheet_id": self.id, "range": self.tab}, {
            "service_account": self.server.account()
        }

    def elsewhere(self, host: str, port: int) -> tuple[dict[str, Any], dict[str, Any]]:
        self._monkeypatch.setattr(settings(), "sheets_base_url", f"http://{host}:{port}")
        return self.settings()

    def wrong_secrets(self) -> Iterator[dict[str, Any]]:
        account = self.server.account()
        other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = other.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        yield {"service_account": account | {"private_key": pem.decode()}}
        yield {"service_account": account | {"client_email": "nobody@example.com"}}
        yield {"service_account": {}}

    def missing(self) -> dict[str, Any]:
        return {"spreadsheet_id": "no-such-spreadsheet"}


@pytest.fixture(scope="module")
def server() -> Iterator[Google]:
    running = Google()
    yield running
    running.stop()


@pytest.fixture
def place(server: Google, monkeypatch: pytest.MonkeyPatch) -> Iterator[Spreadsheet]:
    server.calls.clear()
    yield Spreadsheet(server, monkeypatch)
    server.failures.clear()
    server.silent_seconds = 0


class TestSheets(HostContract):
    kind = "sheets"

    def rows(self, content: bytes) -> Rows:
        sheet = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0)
        return [[str(cell) for cell in row] for row in sheet.to_python()]

    def cells(self, content: bytes) -> list[list[Any]]:
        sheet = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0)
        return sheet.to_python(skip_empty_area=False)

    def test_cells_keep_their_types_and_places(self, place: Spreadsheet) -> None:
        place.server.put(place.id, place.tab, [
            ["x", "", ""], ["", "Code", "Budget"], ["", "007", 1234.5], ["", "=1+1", True],
        ])  # fmt: skip
        config, secret = place.settings()
        with Sheets(config | {"range": f"{place.tab}!B2:C"}, secret) as connector:
            (arrival,) = connector.list()
            cells = self.cells(self.read(connector, arrival))
        assert cells == [["", "", ""], ["", "Code", "Budget"], ["", "007", 1234.5],
                         ["", "=1+1", True]]  # fmt: skip

    def test_the_first_tab_is_read_where_none_is_named(self, place: Spreadsheet) -> None:
        place.put("", ROWS)
        place.server.put(place.id, "Second", [["no"]])
        _, secret = place.settings()
        with Sheets({"spreadsheet_id": place.id}, secret) as connector:
            (arrival,) = connector.list()
            assert self.rows(self.read(connector, arrival)) == ROWS

    def test_a_tab_that_is_not_there_is_named_with_those_that_are(self, place: Spreadsheet) -> None:
        place.put("", ROWS)
        config, secret = place.settings()
        with pytest.raises(PathMissing, match="'Nope'; it has 'FY 26'"):
            self.attempt(config | {"range": "Nope!A1:B2"}, secret)

    def test_a_sheet_that_is_not_shared_says_with_whom_to_share(self, place: Spreadsheet) -> None:
        place.put("", ROWS)
        place.server.spreadsheets[place.id]["shared"] = False
        with pytest.raises(NotPermitted, match="client_email"):
            self.attempt(*place.settings())

    def test_a_pause_that_google_asks_for_is_taken(
        self, place: Spreadsheet, reader: Connector
    ) -> None:
        place.put("", ROWS)
        (arrival,) = reader.list()
        place.server.failures.extend([429, 503])
        assert self.rows(self.read(reader, arrival)) == ROWS

    def test_patience_ends_and_nothing_is_half_read(
        self, place: Spreadsheet, reader: Connector
    ) -> None:
        place.put("", ROWS)
        (arrival,) = reader.list()
        place.server.failures.extend([429] * 50)
        with pytest.raises(SourceBusy):
            self.read(reader, arrival)

    def test_an_edit_between_two_pages_is_noticed(
        self, place: Spreadsheet, reader: Connector
    ) -> None:
        place.put("", ROWS)
        (arrival,) = reader.list()
        edit = lambda: place.put("", [*ROWS, ["Fire", "5"]])
        place.server.edit_before_answer.append(edit)
        with pytest.raises(ChangedWhileRead, match="edited while it was read"):
            self.read(reader, arrival)

    def test_rows_come_a_few_thousand_a_call(self, place: Spreadsheet, reader: Connector) -> None:
        place.put("", [["Department", "Budget"], *(["D", str(n)] for n in range(12_000))])
        (arrival,) = reader.list()
        self.read(reader, arrival)
        assert sum("/values/" in call for call in place.server.calls) == 3

    def test_the_account_s_file_does_not_choose_where_its_assertion_goes(
        self, place: Spreadsheet
    ) -> None:
        place.put("", ROWS)
        config, secret = place.settings()
        assert "169.254.169.254" in secret["service_account"]["token_uri"]
        assert self.attempt(config, secret)
        assert place.server.calls[0] == "POST /token"

    def test_an_id_cannot_lead_to_another_call(self, place: Spreadsheet) -> None:
        place.put("", ROWS)
        _, secret = place.settings()
        with pytest.raises(PathMissing):
            self.attempt({"spreadsheet_id": f"../../other/{place.id}"}, secret)

    def test_only_google_is_called(self, place: Spreadsheet) -> None:
        client = google.sign_in(place.settings()[1])
        with pytest.raises(NotPermitted):
            client.request("get", "https://example.com/")


def test_without_the_operator_s_word_no_stand_in_is_reached(
    server: Google, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings(), "sheets_base_url", server.url)
    secret = {"service_account": server.account()}
    with Sheets({"spreadsheet_id": "x"}, secret) as connector, pytest.raises(HostNotAllowed):
        connector.check()
