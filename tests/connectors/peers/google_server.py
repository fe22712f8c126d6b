"""A server that speaks the few calls of Google Sheets v4, Drive v3 and OAuth that Bursar makes.

It checks the RS256 assertion of the service account, answers by ranges, rate-limits and hangs when
it is told to.
"""

from __future__ import annotations

import base64
import json
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from gspread.utils import a1_range_to_grid_range

EMAIL = "bursar@project.iam.gserviceaccount.com"
TOKEN = "ya29.a-token-of-the-tests"


class Google:
    def __init__(self) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        # Spreadsheet id → name, version, whether it is shared, and tabs: title → rows.
        self.spreadsheets: dict[str, dict[str, Any]] = {}
        self.calls: list[str] = []
        self.failures: list[int] = []
        self.edit_before_answer: list[Any] = []
        self.silent_seconds = 0.0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def account(self) -> dict[str, str]:
        """What Google gives to whoever makes a service account."""
        pem = self._key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        return {
            "type": "service_account",
            "project_id": "project",
            "private_key_id": "k1",
            "private_key": pem.decode(),
            "client_email": EMAIL,
            "client_id": "1",
            "token_uri": "http://169.254.169.254/token",  # must never be asked
        }

    def put(self, spreadsheet: str, tab: str, rows: list[list[Any]], name: str = "Budget") -> None:
        """Set the cells of a tab, as an edit does."""
        book = self.spreadsheets.setdefault(
            spreadsheet, {"name": name, "version": 0, "shared": True, "tabs": {}}
        )
        book["tabs"][tab] = rows
        book["version"] += 1
        book["modified"] = f"2026-11-01T10:00:{book['version'] % 60:02}.000Z"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def token(self, assertion: str) -> tuple[int, dict[str, Any]]:
        """RFC 7523: the assertion must be signed by the account's key, and be for this server."""
        head, claims, signature = assertion.split(".")
        try:
            self._key.public_key().verify(
                _decoded(signature), f"{head}.{claims}".encode(), padding.PKCS1v15(),
                hashes.SHA256(),
            )  # fmt: skip
        except Exception:
            return 400, {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}
        said = json.loads(_decoded(claims))
        good = (
            said["iss"] == EMAIL
            and said["aud"] == "https://oauth2.googleapis.com/token"
            and said["exp"] > time.time()
            and "spreadsheets.readonly" in said["scope"]
        )
        if not good:
            return 400, {"error": "invalid_grant", "error_description": "Bad claims."}
        return 200, {"access_token": TOKEN, "expires_in": 3600, "token_type": "Bearer"}

    def answer(self, path: str) -> tuple[int, dict[str, Any]]:
        """A call of Sheets or Drive."""
        parts = urlsplit(path)
        match = re.fullmatch(r"/(?:sheets/v4/spreadsheets|drive/v3/files)/([^/]+)(?:/values/(.+))?",
                             parts.path)  # fmt: skip
        book = self.spreadsheets.get(match[1]) if match else None
        if match is None or book is None:
            return 404, _error(404, "Requested entity was not found.", "NOT_FOUND")
        if not book["shared"]:
            return 403, _error(403, "The caller does not have permission", "PERMISSION_DENIED")
        if parts.path.startswith("/drive"):
            return 200, {"id": match[1], "name": book["name"], "modifiedTime": book["modified"],
                         "version": str(book["version"])}  # fmt: skip
        if match[2]:
            return self._values(book, unquote(match[2]))
        return 200, {"sheets": [
            {"properties": {"sheetId": n, "title": title, "index": n, "gridProperties": {
                "rowCount": max(len(rows), 1) + 3,
                "columnCount": max(map(len, rows), default=1) + 2}}}
            for n, (title, rows) in enumerate(book["tabs"].items())
        ]}  # fmt: skip

    def _values(self, book: dict[str, Any], asked: str) -> tuple[int, dict[str, Any]]:
        tab, _, cells = asked.rpartition("!")
        rows = book["tabs"].get(tab.strip("'").replace("''", "'"))
        if rows is None:
            return 400, _error(400, f"Unable to parse range: {asked}", "INVALID_ARGUMENT")
        grid = a1_range_to_grid_range(cells)
        block = [
            row[grid.get("startColumnIndex", 0) : grid.get("endColumnIndex")]
            for row in rows[grid.get("startRowIndex", 0) : grid.get("endRowIndex")]
        ]
        if self.edit_before_answer:
            self.edit_before_answer.pop()()
        while block and not any(cell not in ("", None) for cell in block[-1]):
            block.pop()  # Google leaves trailing empty rows out, and `values` where all are
        return 200, {
            "range": asked,
            "majorDimension": "ROWS",
            **({"values": block} if block else {}),
        }

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        google = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                google.calls.append(f"POST {self.path}")
                if self.path != "/token":
                    return self._send(404, _error(404, "no", "NOT_FOUND"))
                return self._send(*google.token(parse_qs(body)["assertion"][0]))

            def do_GET(self) -> None:
                google.calls.append(f"GET {unquote(self.path)}")
                time.sleep(google.silent_seconds)
                if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                    return self._send(401, _error(401, "bad token", "UNAUTHENTICATED"))
                if google.failures:
                    code = google.failures.pop()
                    return self._send(code, _error(code, "Quota exceeded", "RESOURCE_EXHAUSTED"))
                return self._send(*google.answer(self.path))

            def _send(self, status: int, content: dict[str, Any]) -> None:
                body = json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                if status == 429:
                    self.send_header("Retry-After", "0")
                self.end_headers()
                self.wfile.write(body)

        return Handler


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _error(code: int, message: str, status: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "status": status}}
