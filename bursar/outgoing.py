"""HTTP to places that somebody named: every connection is judged by `bursar.network`.

No proxy of the environment is used, since that would lead past the judgement; a redirect does not,
as it needs a connection of its own.
"""

from __future__ import annotations

import socket
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from bursar import network


class JudgedConnection(HTTPConnection):
    """Connects only to addresses that are allowed; the name still stands in the request and TLS."""

    def _new_conn(self) -> socket.socket:
        seconds = self.timeout if isinstance(self.timeout, int | float) else None
        sock = network.connect(
            self._dns_host, self.port or self.default_port, seconds or network.CONNECT_SECONDS
        )
        for option in self.socket_options or ():
            sock.setsockopt(*option)
        return sock


class JudgedTlsConnection(JudgedConnection, HTTPSConnection):
    """The same under TLS."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = JudgedConnection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = JudgedTlsConnection


class JudgedAdapter(HTTPAdapter):
    """What makes a session of `requests` connect in this way."""

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        """Keep connections of the judged kind."""
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}


def judge(session: requests.Session) -> requests.Session:
    """Make every connection of this session a judged one."""
    session.trust_env = False
    adapter = JudgedAdapter()
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session
