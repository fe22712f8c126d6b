"""S3 servers: moto, which takes any secret, moto that checks signatures and policies; rclone."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import boto3
import httpx
from botocore.config import Config

from tests.connectors.peers.processes import Server, free_port, program


def _policy(action: str) -> str:
    allowed = {"Effect": "Allow", "Action": action, "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [allowed]})


def client_of(url: str, service: str, secret: dict[str, str]) -> Any:
    """A client of a server of this machine."""
    return boto3.client(
        service, endpoint_url=url, region_name="us-east-1",
        aws_access_key_id=secret["access_key_id"],
        aws_secret_access_key=secret["secret_access_key"],
        config=Config(s3={"addressing_style": "path"}),
    )  # fmt: skip


class Rclone:
    """rclone, which serves a folder of this machine and checks signatures, for one user."""

    strict = True

    def __init__(self) -> None:
        self._home = Path(tempfile.mkdtemp(prefix="bursar-rclone-"))
        (self._home / "buckets").mkdir()
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.secret = {"access_key_id": "budgets", "secret_access_key": "a secret of rclone"}
        self._server = Server(
            [
                program("rclone", f"{Path(sys.executable).parent}/rclone"), "serve", "s3",
                f"--addr=127.0.0.1:{port}", f"--auth-key={','.join(self.secret.values())}",
                "--config=/dev/null",
                str(self._home / "buckets"),
            ],
            port,
            self._home / "log",
        )  # fmt: skip
        self.client: Any = client_of(self.url, "s3", self.secret)

    def stop(self) -> None:
        self._server.stop()
        shutil.rmtree(self._home, ignore_errors=True)


class Moto:
    """A server process with one user who may do all, and one who may only write."""

    def __init__(self, *, strict: bool) -> None:
        self.strict = strict
        self._home = Path(tempfile.mkdtemp(prefix="bursar-moto-"))
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._server = Server(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
            port,
            self._home / "log",
        )
        self.secret = self._user("budgets", _policy("s3:*"))
        self.weak_secret = self._user("writer", _policy("s3:PutObject"))
        if strict:
            httpx.post(f"{self.url}/moto-api/reset-auth", content=b"0").raise_for_status()
        self.client: Any = self._client("s3", self.secret)

    def _user(self, name: str, policy: str) -> dict[str, str]:
        iam = self._client("iam", {"access_key_id": "root", "secret_access_key": "root"})
        iam.create_user(UserName=name)
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=policy)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return {
            "access_key_id": key["AccessKeyId"],
            "secret_access_key": key["SecretAccessKey"],
        }

    def _client(self, service: str, secret: dict[str, str]) -> Any:
        return client_of(self.url, service, secret)

    def calls(self) -> list[str]:
        """What the server was asked, from its log."""
        return [line for line in (self._home / "log").read_text().splitlines() if "HTTP/1" in line]

    def stop(self) -> None:
        self._server.stop()
        shutil.rmtree(self._home, ignore_errors=True)
