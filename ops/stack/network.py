"""Ports that are free, and a web server that is ready."""

from __future__ import annotations

import http.client
import socket

ANY_ADDRESS = ("", "0.0.0.0", "::")  # noqa: S104 (recognised, not bound)


def local_address(bind: str) -> str:
    """The address at which this machine reaches a server bound like this."""
    return "127.0.0.1" if bind in ANY_ADDRESS else bind


def is_free(address: str, port: int) -> bool:
    """Whether a server could listen there now."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As servers do: a connection that is still closing is no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


def any_free_port(address: str) -> int:
    """A port that nobody listens on."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


def readiness(address: str, port: int) -> tuple[bool, str]:
    """Whether `/readyz` answers 200, and what it said or why it could not be asked."""
    connection = http.client.HTTPConnection(address, port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        said = answer.read(2000).decode(errors="replace")
    except (OSError, http.client.HTTPException) as failed:
        return False, str(failed)
    finally:
        connection.close()
    return answer.status == 200, said
