"""A door in front of a server: open, shut, silent, or slamming."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

OPEN, SHUT, SILENT, SLAMS = "open", "shut", "silent", "slams"


class Door:
    """Passes connections on to a server of this machine while it is open.

    Shut it refuses them, silent it takes them and says nothing, slamming it hangs up at once.
    """

    def __init__(self, server_port: int) -> None:
        self._server_port = server_port
        self._listener: socket.socket | None = socket.create_server(("127.0.0.1", 0), backlog=50)
        self.port: int = self._listener.getsockname()[1]
        self._state = OPEN
        self._held: list[socket.socket] = []
        self._serve(self._listener)

    def set(self, state: str) -> None:
        """Change how the door stands; connections that were kept waiting are let go."""
        self._state = state
        for held in self._held:
            held.close()
        self._held.clear()
        if state == SHUT and self._listener is not None:
            # Shut down first: a thread that waits in accept would keep the port open.
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        elif state != SHUT and self._listener is None:
            self._listener = socket.create_server(("127.0.0.1", self.port), backlog=50)
            self._serve(self._listener)

    def _serve(self, listener: socket.socket) -> None:
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                guest, _ = listener.accept()
                if self._state == SILENT:
                    self._held.append(guest)
                elif self._state == SLAMS:
                    guest.close()
                else:
                    self._join(guest)

    def _join(self, guest: socket.socket) -> None:
        try:
            host = socket.create_connection(("127.0.0.1", self._server_port), timeout=10)
        except OSError:
            guest.close()
            return
        host.settimeout(None)
        for source, target in ((guest, host), (host, guest)):
            threading.Thread(target=_pass_on, args=(source, target), daemon=True).start()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while part := source.recv(1 << 16):
            target.sendall(part)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()
