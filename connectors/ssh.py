"""Signing in to an SSH server whose host key somebody has agreed to, and saying what went wrong."""

from __future__ import annotations

import base64
import hashlib
import io
import itertools
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import paramiko
from paramiko.ssh_exception import (
    AuthenticationException,
    BadHostKeyException,
    PasswordRequiredException,
    SSHException,
)

from bursar import network
from bursar.config import settings
from bursar.errors import (
    BursarError,
    HostKeyChanged,
    HostKeyUnknown,
    NoAnswer,
    NoConnection,
    NotPermitted,
    PathMissing,
    SignInRefused,
)

# Whatever it logs as an error is raised as well, and told with its cause.
logging.getLogger("paramiko").setLevel(logging.CRITICAL)

# What a pinned key is filed under, whatever the server is called.
_NAME = "source"
_OFFERED = {
    "key": "this key. Check the user's name, and that the key's public half is among the user's"
    " authorized keys there.",
    "password": "this password. Check both; some servers take keys only.",
}
_KEYS = (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)


@dataclass(frozen=True, slots=True)
class Account:
    """Who signs in where, and the host key that is agreed to (empty: none yet)."""

    host: str
    port: int
    user: str
    host_key: str
    secret: dict[str, Any]


def sign_in(account: Account) -> tuple[paramiko.SSHClient, paramiko.SFTPClient]:
    """A signed-in client and its SFTP session. Raises SourceFault of the class that names why."""
    key = _private_key(account.secret)
    seconds = network.CONNECT_SECONDS
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(_Refuse())
    if account.host_key:
        pinned = _public_key(account.host_key)
        client.get_host_keys().add(_NAME, pinned.get_name(), pinned)
    sock = network.connect(account.host, account.port)
    try:
        with named_causes(f"{account.host}:{account.port}", "key" if key else "password"):
            client.connect(
                _NAME, username=account.user, sock=sock, pkey=key,
                password=None if key else str(account.secret.get("password") or ""),
                look_for_keys=False, allow_agent=False, timeout=3 * seconds,
                banner_timeout=seconds, auth_timeout=2 * seconds,
                channel_timeout=settings().source_timeout_seconds,
            )  # fmt: skip
            opened = client.open_sftp()
            channel = opened.get_channel()
            assert channel is not None
            channel.settimeout(settings().source_timeout_seconds)
    except BaseException:
        client.close()
        sock.close()
        raise
    return client, opened


def fingerprint(key: paramiko.PKey) -> str:
    """A host key as `ssh-keygen -l` shows it."""
    digest = base64.b64encode(hashlib.sha256(key.asbytes()).digest()).decode().rstrip("=")
    return f"SHA256:{digest} ({key.get_name()})"


@contextmanager
def named_causes(place: str, by: str = "password") -> Iterator[None]:
    """What paramiko raises here, as the fault that names the cause.

    `place` is a path or host; `by` says what was offered there: a key or a password.
    """
    try:
        yield
    except BursarError:
        raise
    except BadHostKeyException as error:
        raise HostKeyChanged(
            f"{place} shows the host key {fingerprint(error.key)}, not the one that was agreed to"
            f" ({fingerprint(error.expected_key)}). Ask its operator before you agree to it.",
            extra=_shown(error.key),
        ) from error
    except PasswordRequiredException as error:
        raise SignInRefused("The private key needs its passphrase.") from error
    except AuthenticationException as error:
        raise SignInRefused(f"{place} does not accept this user and {_OFFERED[by]}") from error
    except FileNotFoundError as error:
        raise PathMissing(f"{place} does not exist on the server.") from error
    except PermissionError as error:
        raise NotPermitted(f"The server does not permit this on {place}.") from error
    except TimeoutError as error:
        raise NoAnswer(f"The server stopped answering, at {place}.") from error
    except (EOFError, SSHException, OSError) as error:
        if "SSH protocol banner" in str(error):
            raise NoAnswer(f"{place} took the connection but said nothing.") from error
        raise NoConnection(
            f"The server broke the connection off, at {place}: {type(error).__name__}."
        ) from error


class _Refuse(paramiko.MissingHostKeyPolicy):
    """RejectPolicy, but it says which key the server has shown."""

    def missing_host_key(self, _client: object, _hostname: str, key: paramiko.PKey) -> None:
        """Refuse, with the key and its fingerprint for a person to compare."""
        raise HostKeyUnknown(
            f"The server shows the host key {fingerprint(key)}. Compare it with what its operator"
            " tells you, and agree to it.",
            extra=_shown(key),
        )


def _shown(key: paramiko.PKey) -> dict[str, object]:
    return {
        "host_key": f"{key.get_name()} {key.get_base64()}",
        "fingerprint": fingerprint(key),
    }


def _public_key(text: str) -> paramiko.PKey:
    """A pinned key, as `ssh-keyscan` or a public key file writes it. Raises HostKeyUnknown."""
    parts = text.split()
    for kind, content in itertools.pairwise(parts):
        if kind.startswith(("ssh-", "ecdsa-")):
            with suppress(Exception):
                return paramiko.PKey.from_type_string(
                    kind, base64.b64decode(content, validate=True)
                )
    raise HostKeyUnknown("host_key is no SSH host key; write it as `ssh-ed25519 AAAA…`.")


def _private_key(secret: dict[str, Any]) -> paramiko.PKey | None:
    """The private key of a secret, if it has one. Raises SignInRefused."""
    text = str(secret.get("private_key") or "").strip()
    if not text:
        return None
    for kind in _KEYS:
        with suppress(SSHException, ValueError, IndexError):
            return kind.from_private_key(io.StringIO(f"{text}\n"), secret.get("passphrase") or None)
    raise SignInRefused(
        "The private key cannot be read: it is not an Ed25519, ECDSA or RSA key in OpenSSH or PEM"
        " form, or its passphrase is missing or wrong."
    )
