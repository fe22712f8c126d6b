"""Twenty places that budgets come from: folders of two SFTP servers, buckets, spreadsheets."""

from __future__ import annotations

import csv
import io
import os
import uuid
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import urlsplit

from bench.days.doors import Door
from tests.connectors.peers.google_server import Google
from tests.connectors.peers.s3_servers import Moto
from tests.connectors.peers.sftp_servers import PASSWORD, AsyncSsh, OpenSsh

Rows = list[list[str]]
HEAD = ["Department", "Sub Category", "Fiscal Year", "Budget"]


def csv_of(rows: Rows) -> bytes:
    """Rows as a file."""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


class Place(Protocol):
    """Where somebody puts the files of one source. `now` is what the clock shows."""

    kind: str
    door: Door

    def config(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The source's `config` and `secret`."""

    def put(self, name: str, content: bytes, now: datetime, /) -> None:
        """Write a whole file."""

    def touch(self, name: str, content: bytes, now: datetime, /) -> None:
        """Send the same bytes once more."""

    def rename(self, name: str, new: str, content: bytes, now: datetime, /) -> None:
        """Give a file another name."""


class Folder:
    """A folder of an SFTP server."""

    kind = "sftp"

    def __init__(self, server: AsyncSsh | OpenSsh) -> None:
        self._server, self.door = server, Door(server.port)
        self._name = uuid.uuid4().hex
        self._path = server.folder(self._name)

    def config(self) -> tuple[dict[str, Any], dict[str, Any]]:
        config = {
            "host": "127.0.0.1", "port": self.door.port, "username": self._server.user,
            "path": self._path, "host_key": self._server.pin, "pattern": "*.csv, *.xlsx",
        }  # fmt: skip
        if isinstance(self._server, AsyncSsh):
            return config, {"password": PASSWORD}
        return config, {"private_key": self._server.private_key}

    def put(self, name: str, content: bytes, now: datetime) -> None:
        file = self._server.files / self._name / name
        file.write_bytes(content)
        # The file system's clock is the machine's own.
        os.utime(file, (now.timestamp(), now.timestamp()))
        self._server.own(file)

    def touch(self, name: str, content: bytes, now: datetime) -> None:
        self.put(name, content, now)

    def rename(self, name: str, new: str, content: bytes, now: datetime) -> None:
        folder = self._server.files / self._name
        if (folder / name).exists():  # else it was moved away, as the source was told to
            (folder / name).rename(folder / new)
        else:
            self.put(new, content, now)


class Bucket:
    """A bucket of an S3 server."""

    kind = "s3"

    def __init__(self, server: Moto) -> None:
        port = urlsplit(server.url).port
        assert port is not None
        self._server, self.door = server, Door(port)
        self._name = f"budgets-{uuid.uuid4().hex[:12]}"
        server.client.create_bucket(Bucket=self._name)

    def config(self) -> tuple[dict[str, Any], dict[str, Any]]:
        config = {
            "bucket": self._name, "prefix": "in/",
            "endpoint_url": f"http://127.0.0.1:{self.door.port}",
        }  # fmt: skip
        return config, dict(self._server.secret)

    def put(self, name: str, content: bytes, _now: datetime) -> None:
        self._server.client.put_object(Bucket=self._name, Key=f"in/{name}", Body=content)

    def touch(self, name: str, content: bytes, now: datetime) -> None:
        self.put(name, content, now)

    def rename(self, name: str, new: str, content: bytes, now: datetime) -> None:
        self.put(new, content, now)
        self._server.client.delete_object(Bucket=self._name, Key=f"in/{name}")


class Spreadsheet:
    """A tab of a spreadsheet, whose cells are replaced; all share the door of one server."""

    kind = "sheets"
    tab = "Plan"

    def __init__(self, server: Google, door: Door) -> None:
        self._server, self.door = server, door
        self._id = uuid.uuid4().hex

    def config(self) -> tuple[dict[str, Any], dict[str, Any]]:
        place = {"spreadsheet_id": self._id, "range": self.tab}
        return place, {"service_account": self._server.account()}

    def put(self, _name: str, content: bytes, _now: datetime) -> None:
        rows: list[list[Any]] = [
            [float(cell) if cell.replace(".", "", 1).isdigit() else cell for cell in row]
            for row in csv.reader(io.StringIO(content.decode()))
        ]
        self._server.put(self._id, self.tab, rows, self._id[:8])

    def touch(self, name: str, content: bytes, now: datetime) -> None:
        self.put(name, content, now)

    def rename(self, name: str, new: str, content: bytes, now: datetime) -> None:
        self.put(name, content, now)
        self._server.spreadsheets[self._id]["name"] = f"{new} {now:%d %H}"
