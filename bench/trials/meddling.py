"""Places whose files are renamed, touched, replaced and cut short, also while they are read."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from tests.connectors.peers.s3_servers import Moto
from tests.connectors.peers.sftp_servers import AsyncSsh

_BLOCK = 32_768  # what a client of SFTP asks for at once


class SftpPlace:
    """A folder of an SFTP server. Each writing is later than the one before, in whole seconds."""

    kind = "sftp"

    def __init__(self, server: AsyncSsh) -> None:
        self._server = server
        self._name = uuid4().hex
        self._path = server.folder(self._name)
        self._clock = 1_700_000_000

    def settings(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """What a source says of this place."""
        config = {
            "host": "127.0.0.1", "port": self._server.port, "username": self._server.user,
            "path": self._path, "host_key": self._server.pin,
        }  # fmt: skip
        return config, {"private_key": self._server.private_key}

    def put(self, name: str, content: bytes, *, by_rename: bool = False) -> None:
        """Write a file in place, or beside it and over it."""
        target = self._file(name)
        if by_rename:
            beside = self._file(f"{name}.part")
            beside.write_bytes(content)
            beside.replace(target)
        else:
            target.write_bytes(content)
        self.touch(name)

    def touch(self, name: str) -> None:
        """Give it a later time."""
        self._clock += 1
        os.utime(self._file(name), (self._clock, self._clock))

    def rename(self, name: str, other: str) -> None:
        """Give it another name; size and time stay."""
        self._file(name).rename(self._file(other))

    def while_reading(self, size: int, share: float, act: Callable[[], object]) -> None:
        """Do something once, when this share of a file of so many bytes has been read."""
        left = [max(1, int(size / _BLOCK * share))]

        def count() -> None:
            left[0] -= 1
            if left[0] == 0:
                self._server.before_read = None
                act()

        self._server.before_read = count

    def _file(self, name: str) -> Path:
        return self._server.files / self._name / name


class S3Place:
    """A bucket of moto, read through a front that can act between a request and its answer."""

    kind = "s3"

    def __init__(self, server: Moto, front: Front) -> None:
        self._server, self._front = server, front
        self._bucket = f"budgets-{uuid4().hex[:12]}"
        server.client.create_bucket(Bucket=self._bucket)

    def settings(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """What a source says of this place."""
        config = {"bucket": self._bucket, "prefix": "in/", "endpoint_url": self._front.url}
        return config, dict(self._server.secret)

    def put(self, name: str, content: bytes, *, by_rename: bool = False) -> None:  # noqa: ARG002
        """Write an object, which S3 always does whole."""
        self._server.client.put_object(Bucket=self._bucket, Key=f"in/{name}", Body=content)

    def touch(self, name: str) -> None:
        """Copy it onto itself: a new time, the same bytes."""
        self._copy(name, name, MetadataDirective="REPLACE", Metadata={"touched": uuid4().hex})

    def rename(self, name: str, other: str) -> None:
        """Copy it and take the old one away, as tools do."""
        self._copy(name, other)
        self._server.client.delete_object(Bucket=self._bucket, Key=f"in/{name}")

    def while_reading(self, act: Callable[[], object]) -> None:
        """Do something once, after the listing and before the object is answered."""
        self._front.before_object = act

    def break_off(self, share: float, told: Callable[[], object]) -> None:
        """Answer the next object with this share of its bytes, and hang up."""
        self._front.share, self._front.before_object = share, told

    def _copy(self, name: str, other: str, **more: Any) -> None:
        source = {"Bucket": self._bucket, "Key": f"in/{name}"}
        self._server.client.copy_object(
            Bucket=self._bucket, Key=f"in/{other}", CopySource=source, **more
        )


class Front:
    """Passes requests on to moto and its answers back."""

    def __init__(self, moto: Moto) -> None:
        self.before_object: Callable[[], object] | None = None
        self.share: float | None = None
        self._behind = httpx.Client(base_url=moto.url, timeout=60)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Take no more requests."""
        self._server.shutdown()
        self._server.server_close()
        self._behind.close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        front = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

            def do_GET(self) -> None:
                share = None
                if "/in/" in self.path.partition("?")[0]:
                    act, front.before_object = front.before_object, None
                    share, front.share = front.share, None
                    if act is not None:
                        act()
                answer = front._behind.get(self.path, headers=dict(self.headers))
                body = answer.content
                self.send_response(answer.status_code)
                for name, value in answer.headers.items():
                    if name.lower() not in ("connection", "transfer-encoding", "content-encoding",
                                            "content-length", "date", "server"):  # fmt: skip
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if share is not None:
                    body = body[: int(len(body) * share)]
                    self.close_connection = True
                self.wfile.write(body)

        return Handler
