"""Signing in to a server that speaks S3, and saying what went wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.awsrequest import AWSConnection, AWSHTTPConnectionPool, AWSHTTPSConnectionPool
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
)

from bursar.config import settings
from bursar.errors import (
    BursarError,
    ChangedWhileRead,
    NoAnswer,
    NoConnection,
    NotPermitted,
    PathMissing,
    SignInRefused,
    SourceBusy,
    SourceFault,
)
from bursar.network import CONNECT_SECONDS
from bursar.outgoing import JudgedConnection, JudgedTlsConnection

_REFUSED = {
    "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "TokenRefresh",
    "AuthorizationHeaderMalformed", "RequestTimeTooSkewed", "NotSignedUp",
}  # fmt: skip
MISSING = {"NoSuchBucket", "NoSuchKey", "NoSuchVersion", "404", "NotFound"}
_BUSY = {"SlowDown", "Throttling", "RequestLimitExceeded", "ServiceUnavailable", "InternalError"}


def sign_in(config: dict[str, Any], secret: dict[str, Any]) -> Any:
    """An S3 client for these settings; nothing is sent yet. Raises SignInRefused, PathMissing."""
    own = bool(secret.get("access_key_id"))
    if not own and not settings().s3_instance_credentials:
        raise SignInRefused(
            "There is no access_key_id in the secret, and the operator lends no role of this"
            " machine (BURSAR_S3_INSTANCE_CREDENTIALS)."
        )
    # A session of its own: boto3's default one is shared, and no thread may change it.
    session = boto3.session.Session(
        aws_access_key_id=secret.get("access_key_id"),
        aws_secret_access_key=secret.get("secret_access_key"),
        aws_session_token=secret.get("session_token"),
        region_name=config.get("region") or "us-east-1",
    )
    endpoint = config.get("endpoint_url") or None
    behaviour = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=settings().source_timeout_seconds,
        retries={"max_attempts": 3, "mode": "standard"},
        s3={"addressing_style": "path" if endpoint else "auto"},
        proxies={},
    )
    try:
        client = session.client("s3", endpoint_url=endpoint, config=behaviour)
    except (ValueError, BotoCoreError) as error:
        raise PathMissing(f"S3 cannot be reached with these settings: {error}") from error
    _judge(client)
    return client


@contextmanager
def named_causes(place: str) -> Iterator[None]:
    """What botocore raises here, as the fault that names the cause."""
    try:
        yield
    except BursarError:
        raise
    except ClientError as error:
        raise _meaning(error, place) from error
    except NoCredentialsError as error:
        raise SignInRefused("This machine has no role of its own to lend.") from error
    except (ConnectTimeoutError, ReadTimeoutError, TimeoutError) as error:
        raise NoAnswer(f"S3 stopped answering, at {place}.") from error
    except EndpointConnectionError as error:
        raise NoConnection(f"S3 refused the connection, at {place}.") from error
    except (BotoCoreError, OSError) as error:
        inner = getattr(error, "kwargs", {}).get("error")
        if isinstance(inner, BursarError):
            raise inner from error
        if type(error).__name__ in {"ResponseStreamingError", "IncompleteReadError"}:
            raise ChangedWhileRead(f"{place} ended early; it is tried again.") from error
        raise NoConnection(f"S3 broke off, at {place}: {type(error).__name__}.") from error


def _meaning(error: ClientError, place: str) -> SourceFault:
    """The cause behind an answer of S3."""
    code = str(error.response.get("Error", {}).get("Code") or "")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") or 0
    if code in {"PreconditionFailed", "412"}:
        return ChangedWhileRead(f"{place} was replaced since it was listed; it is tried again.")
    if code in _REFUSED or status == 401:
        return SignInRefused(f"S3 does not accept the access key or its secret ({code}).")
    if code in MISSING or status == 404:
        return PathMissing(f"{place} does not exist ({code}).")
    if code in _BUSY or status == 429 or status >= 500:
        return SourceBusy(f"S3 asks for a pause, or has trouble of its own ({code or status}).")
    if status == 403:
        return NotPermitted(
            f"S3 does not let this key do that on {place} ({code}); grant it s3:ListBucket on the"
            " bucket and s3:GetObject on its objects."
        )
    return SourceFault(f"S3 answered {code or status} for {place}.")


class _AwsConnection(AWSConnection, JudgedConnection):  # type: ignore[misc]
    pass


class _AwsTlsConnection(AWSConnection, JudgedTlsConnection):  # type: ignore[misc]
    pass


class _Pool(AWSHTTPConnectionPool):  # type: ignore[misc]
    ConnectionCls = _AwsConnection


class _TlsPool(AWSHTTPSConnectionPool):  # type: ignore[misc]
    ConnectionCls = _AwsTlsConnection


def _judge(client: Any) -> None:
    """Let the client connect only where Bursar may. botocore has no public way to say so; a test
    fails when this one stops working.
    """
    manager = client._endpoint.http_session._manager
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
