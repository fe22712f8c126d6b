"""Where Bursar may connect to on somebody's word: public addresses, and what the operator allows.

A name is resolved once, the answer is judged, and the connection goes to that very address: a name
that points elsewhere a moment later (rebinding) changes nothing.
"""

from __future__ import annotations

import ipaddress
import socket
from functools import lru_cache

from bursar.config import settings
from bursar.errors import HostNotAllowed, NameUnknown, NoAnswer, NoConnection

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

CONNECT_SECONDS = 10.0
# IPv6 ranges that carry an IPv4 address inside: judged by what they lead to.
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_COMPATIBLE = ipaddress.IPv6Network("::/96")


def addresses_of(host: str, port: int) -> list[str]:
    """The addresses of a host to connect to, all of them allowed.

    Raises NameUnknown, HostNotAllowed: a name that leads to one address that is not allowed is
    not used at all.
    """
    bare = host.strip().strip("[]").rstrip(".")
    if not bare or "%" in bare or any(c.isspace() or c in "/\\@?#" for c in bare):
        raise HostNotAllowed(f"{host!r} is no host name.")
    try:
        found = socket.getaddrinfo(bare, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        raise NameUnknown(f"The DNS knows no host {bare!r}; check its spelling.") from error
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    named = bare.lower() in _allowed()[0]
    for address in addresses:
        if not named and not is_allowed(address):
            raise HostNotAllowed(
                f"{bare} leads to {address}, which is not a public address. An operator can allow"
                " it in BURSAR_ALLOW_PRIVATE_HOSTS."
            )
    return addresses


def is_allowed(address: str) -> bool:
    """Whether an address is public, or within what the operator allows."""
    try:
        one = _inner(ipaddress.ip_address(address.partition("%")[0]))
    except ValueError:
        return False
    if any(one in network for network in _allowed()[1] if network.version == one.version):
        return True
    special = one.is_multicast or one.is_reserved or getattr(one, "is_site_local", False)
    return one.is_global and not special


def connect(host: str, port: int, seconds: float = CONNECT_SECONDS) -> socket.socket:
    """A TCP connection to an allowed address of this host.

    Raises NameUnknown, HostNotAllowed, NoConnection, NoAnswer.
    """
    trouble: OSError = OSError("no address")
    for address in addresses_of(host, port):
        try:
            return socket.create_connection((address, port), timeout=seconds)
        except OSError as error:
            trouble = error
    if isinstance(trouble, TimeoutError):
        raise NoAnswer(
            f"{host}:{port} did not answer within {seconds:g} seconds; a firewall may be dropping"
            " the connection."
        ) from trouble
    raise NoConnection(
        f"{host}:{port} refused the connection; check the port, and that the server runs."
    ) from trouble


def _inner(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for, where it stands for one."""
    if isinstance(address, ipaddress.IPv6Address):
        inside = address.ipv4_mapped or address.sixtofour
        if inside is None and address.teredo is not None:
            inside = address.teredo[1]
        if inside is None and (address in _NAT64 or address in _COMPATIBLE) and int(address) > 1:
            inside = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        return inside or address
    return address


def _allowed() -> tuple[frozenset[str], tuple[Network, ...]]:
    return _parsed(settings().allow_private_hosts)


@lru_cache(maxsize=8)
def _parsed(text: str) -> tuple[frozenset[str], tuple[Network, ...]]:
    """Names as they are written in sources, and networks."""
    names, networks = set(), []
    for part in filter(None, (part.strip().lower() for part in text.split(","))):
        try:
            networks.append(ipaddress.ip_network(part, strict=False))
        except ValueError:
            names.add(part)
    return frozenset(names), tuple(networks)
