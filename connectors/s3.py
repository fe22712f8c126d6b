"""Objects of an S3 bucket below a prefix, over boto3; any server that speaks S3 will do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from botocore.exceptions import ClientError
from botocore.response import StreamingBody

from bursar.errors import ChangedWhileRead, NotPermitted
from connectors.aws import MISSING, named_causes, sign_in
from connectors.patterns import matcher, wanted
from connectors.protocol import DONE_FOLDER, LEAVE, MOVE, TAG, Arrival

_COPY_LIMIT = 5 * 1024**3  # one copy call takes no more


class S3:
    """The objects of one bucket below one prefix.

    `config`: bucket, prefix, pattern, endpoint_url, region. `secret`: access_key_id and
    secret_access_key, or nothing where the operator lends this machine's own role.
    """

    type = "s3"
    after_actions: tuple[str, ...] = (LEAVE, MOVE, TAG)

    def __init__(self, config: dict[str, Any], secret: dict[str, Any]) -> None:
        self._config = config
        self._secret = secret
        self._bucket = str(config["bucket"])
        self._prefix = str(config.get("prefix") or "")
        self._pattern = matcher(str(config.get("pattern") or ""))
        self._made: Any = None

    def __enter__(self) -> S3:
        """Itself; the connection is made when it is first needed."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let the connections go."""
        if self._made is not None:
            self._made.close()
        self._made = None

    def check(self) -> str:
        """Sign in and list the first page."""
        with named_causes(self._place()):
            page = self._client().list_objects_v2(Bucket=self._bucket, Prefix=self._prefix)
        more = "more than " if page.get("IsTruncated") else ""
        count = sum(1 for entry in page.get("Contents", ()) if self._wants(entry["Key"]))
        return f"{self._place()} has {more}{count:,} matching objects."

    def list(self) -> Iterator[Arrival]:
        """All matching objects, a thousand a call, in the order of their keys."""
        with named_causes(self._place()):
            pages = self._client().get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self._bucket, Prefix=self._prefix):
                for entry in page.get("Contents", ()):
                    if self._wants(entry["Key"]):
                        yield Arrival(
                            entry["Key"],
                            revision=entry["ETag"].strip('"'),
                            size_bytes=entry["Size"],
                            modified_at=entry["LastModified"],
                            whole=True,
                        )

    @contextmanager
    def open(self, arrival: Arrival) -> Iterator[IO[bytes]]:
        """The bytes of the very revision that was listed."""
        with named_causes(arrival.path):
            answer = self._client().get_object(
                Bucket=self._bucket, Key=arrival.path, IfMatch=f'"{arrival.revision}"'
            )
        body = answer["Body"]
        if answer["ETag"].strip('"') != arrival.revision:
            # Not every server that speaks S3 heeds If-Match.
            body.close()
            raise ChangedWhileRead(f"{arrival.name} was replaced since it was listed.")
        try:
            yield _Reader(body, arrival)  # type: ignore[misc]
        finally:
            body.close()

    def settle(self, arrival: Arrival, action: str) -> None:
        """Move a loaded object below `imported/`, or mark it with a tag."""
        if action == LEAVE:
            return
        with named_causes(arrival.path):
            if not self._is_still(arrival):
                return
            client = self._client()
            if action == TAG:
                client.put_object_tagging(
                    Bucket=self._bucket,
                    Key=arrival.path,
                    Tagging={"TagSet": [{"Key": "bursar", "Value": "imported"}]},
                )
                return
            if (arrival.size_bytes or 0) > _COPY_LIMIT:
                raise NotPermitted(f"{arrival.name} is too large to be moved within S3.")
            folder, slash, name = arrival.path.rpartition("/")
            client.copy_object(
                Bucket=self._bucket,
                Key=f"{folder}{slash}{DONE_FOLDER}/{arrival.revision[:8]}-{name}",
                CopySource={"Bucket": self._bucket, "Key": arrival.path},
                CopySourceIfMatch=f'"{arrival.revision}"',
            )
            client.delete_object(Bucket=self._bucket, Key=arrival.path)

    def _is_still(self, arrival: Arrival) -> bool:
        """Whether the object is there as it was loaded: not moved before, not replaced since."""
        try:
            head = self._client().head_object(Bucket=self._bucket, Key=arrival.path)
        except ClientError as error:
            if error.response["Error"].get("Code") in MISSING:
                return False
            raise
        return bool(head["ETag"].strip('"') == arrival.revision)

    def _wants(self, key: str) -> bool:
        folder, _, name = key[len(self._prefix.rpartition("/")[0]) :].rpartition("/")
        return bool(name) and DONE_FOLDER not in folder.split("/") and wanted(name, self._pattern)

    def _place(self) -> str:
        return f"s3://{self._bucket}/{self._prefix}"

    def _client(self) -> Any:
        if self._made is None:
            self._made = sign_in(self._config, self._secret)
        return self._made


class _Reader:
    """Reads an object to its end; botocore counts the bytes against what was promised."""

    def __init__(self, body: StreamingBody, arrival: Arrival) -> None:
        self._body, self._arrival = body, arrival

    def read(self, size: int = -1) -> bytes:
        """The next bytes, at most `size`. Raises ChangedWhileRead where they end early."""
        with named_causes(self._arrival.path):
            return bytes(self._body.read(size if size >= 0 else None))
