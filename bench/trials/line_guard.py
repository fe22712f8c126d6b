"""What watches every connection that this process tries, and answers for the DNS.

Nothing leaves the machine while it watches: a connection to anything but loopback is counted and
refused before a packet is sent, and names are answered from a table. Connections to loopback are
counted and go on to the listeners, which count what reaches them.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

_LOOPBACK = ("127.0.0.1", "127.0.0.2", "::1")


class Listeners:
    """Servers on one port of several loopback addresses, that count who connects and hang up."""

    def __init__(self) -> None:
        self.hits = 0
        self._sockets: list[socket.socket] = []
        self.port = self._listen("127.0.0.1", 0)
        for address in _LOOPBACK[1:]:
            self._listen(address, self.port)

    def _listen(self, address: str, port: int) -> int:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        server = socket.create_server((address, port), family=family)
        self._sockets.append(server)
        threading.Thread(target=self._count, args=(server,), daemon=True).start()
        return int(server.getsockname()[1])

    def _count(self, server: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = server.accept()
                self.hits += 1
                client.close()

    def stop(self) -> None:
        """Take no more connections."""
        for server in self._sockets:
            server.close()


class LineGuard:
    """The connections that were tried since `forget`, and the table of names."""

    def __init__(self) -> None:
        self.tried: list[str] = []
        # Name → what each question is answered with, one after the other; the last stays.
        self.names: dict[str, list[list[str]]] = {"localhost": [["127.0.0.1", "::1"]]}
        # A server of the trial itself, whose connections are not what is looked for.
        self.own_ports: set[int] = set()

    def forget(self) -> None:
        """Begin a new count."""
        self.tried.clear()

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Stand between this process and its sockets."""
        connect, connect_ex = socket.socket.connect, socket.socket.connect_ex
        resolve = socket.getaddrinfo

        def judged(sock: socket.socket, where: Any) -> None:
            self._note(sock, where)
            connect(sock, where)

        def judged_ex(sock: socket.socket, where: Any) -> int:
            self._note(sock, where)
            return connect_ex(sock, where)

        def answered(host: Any, port: Any, *more: Any, **named: Any) -> Any:
            return self._resolve(resolve, host, port, *more, **named)

        socket.socket.connect = judged  # type: ignore[method-assign, assignment]
        socket.socket.connect_ex = judged_ex  # type: ignore[method-assign, assignment]
        socket.getaddrinfo = answered
        try:
            yield
        finally:
            socket.socket.connect = connect  # type: ignore[method-assign]
            socket.socket.connect_ex = connect_ex  # type: ignore[method-assign]
            socket.getaddrinfo = resolve

    def _note(self, sock: socket.socket, where: Any) -> None:
        if sock.family not in (socket.AF_INET, socket.AF_INET6) or where[1] in self.own_ports:
            return
        self.tried.append(str(where[0]))
        if not _is_loopback(str(where[0])):
            raise ConnectionRefusedError(f"the guard keeps {where[0]} from being reached")

    def _resolve(self, resolve: Any, host: Any, port: Any, *more: Any, **named: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else str(host)
        answers = self.names.get(name.lower().rstrip("."))
        if answers is None:
            # Numbers in all their ways of writing are read without asking anybody.
            named["flags"] = named.get("flags", 0) | socket.AI_NUMERICHOST
            return resolve(host, port, *more, **named)
        listed = answers.pop(0) if len(answers) > 1 else answers[0]
        return [found for address in listed for found in resolve(address, port, *more, **named)]


def _is_loopback(address: str) -> bool:
    one = ipaddress.ip_address(address.partition("%")[0])
    inside = getattr(one, "ipv4_mapped", None) or one
    # The unspecified address leads to this machine too.
    return bool(inside.is_loopback or inside.is_unspecified)
