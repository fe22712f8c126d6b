"""Where Bursar may connect to on somebody's word."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from bursar import network
from bursar.config import settings
from bursar.errors import HostNotAllowed, NameUnknown

# Loopback, private, link-local with the clouds' metadata, shared, reserved, documentation,
# multicast, broadcast; in every way that an address can be written.
FORBIDDEN = [
    "127.0.0.1", "127.1", "127.0.1", "127.255.255.254", "2130706433", "0x7f000001", "0x7f.1",
    "017700000001", "0177.0.0.1", "0", "0.0.0.0", "localhost", "LOCALHOST", "localhost.",
    "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.1", "192.168.1.254",
    "169.254.169.254", "169.254.170.2", "2852039166", "0xa9fea9fe", "0xa9.0xfe.0xa9.0xfe",
    "100.64.0.1", "100.100.100.200", "192.0.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.7",
    "203.0.113.9", "224.0.0.1", "240.0.0.1", "255.255.255.255",
    "::1", "[::1]", "::", "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1", "::ffff:7f00:1", "::127.0.0.1",
    "::ffff:169.254.169.254", "::ffff:a9fe:a9fe", "::ffff:10.0.0.1", "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe", "64:ff9b::10.0.0.1", "2002:7f00:1::", "2002:a9fe:a9fe::",
    "2002:0a00:0001::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1",
    "2001:db8::1", "2001:0:7f00:1::", "100::1", "fec0::1",
]  # fmt: skip
# Texts that are no names at all, or hide one.
MALFORMED = [
    "",
    " ",
    "a b",
    "example.com/..",
    "user@example.com",
    "example.com#x",
    "example.com?x",
    "a\\b",
    "127.0.0.1\n",
    "exa\0mple.com",
]


@pytest.mark.parametrize("host", FORBIDDEN)
def test_what_is_not_public_is_refused_before_anything_is_sent(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sent(*_: Any, **__: Any) -> None:
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket, "create_connection", sent)
    with pytest.raises((HostNotAllowed, NameUnknown)):
        network.connect(host, 80)


@pytest.mark.parametrize("host", MALFORMED)
def test_what_is_no_name_is_refused(host: str) -> None:
    with pytest.raises((HostNotAllowed, NameUnknown)):
        network.addresses_of(host, 80)


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "64:ff9b::808:808"])
def test_what_is_public_is_allowed(address: str) -> None:
    assert network.is_allowed(address)


def test_a_name_with_one_private_address_is_not_used_at_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("8.8.8.8", 80)),
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.1", 80)),
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers)
    with pytest.raises(HostNotAllowed, match=r"10\.0\.0\.1"):
        network.addresses_of("two-faced.example", 80)


def test_the_connection_goes_to_the_address_that_was_judged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A name that is public when it is judged and private a moment later is asked for only once."""
    answers = iter(["8.8.8.8", "127.0.0.1"])
    connected: list[Any] = []
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, port, **_: [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))
        ],
    )
    monkeypatch.setattr(
        socket, "create_connection", lambda where, **_: connected.append(where) or socket.socket()
    )
    network.connect("rebinding.example", 22).close()
    assert connected == [("8.8.8.8", 22)]


@pytest.mark.parametrize(
    ("allowed", "host", "may"),
    [
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", "127.0.0.2", False),
        ("10.0.0.0/8, ::1", "10.1.2.3", True),
        ("10.0.0.0/8, ::1", "[::1]", True),
        ("10.0.0.0/8", "::ffff:10.1.2.3", True),
        ("localhost", "localhost", True),
        ("localhost", "127.0.0.1", False),
        ("fd00::/8", "fd00:ec2::254", True),
    ],
)
def test_the_operator_s_word_counts(
    allowed: str, host: str, may: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings(), "allow_private_hosts", allowed)
    if may:
        assert network.addresses_of(host, 22)
    else:
        with pytest.raises(HostNotAllowed):
            network.addresses_of(host, 22)
