"""What workers tell of themselves holds no password."""

import pytest

from worker.inspection import without_login


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://:secret@valkey:6379/0", "redis://**@valkey:6379/0"),
        ("rediss://bursar:s@cret@host/0", "rediss://**@host/0"),
        ("redis+socket://:secret@/run/v.sock?virtual_host=0",
         "redis+socket://**@/run/v.sock?virtual_host=0"),
        ("sentinel://:secret@a:1;sentinel://:secret@b:2", "sentinel://**@a:1;sentinel://**@b:2"),
        ("amqp://bursar:secret@host//", "amqp://**@host//"),
        ("redis://host:6379/0", "redis://host:6379/0"),
        ("localhost", "localhost"),
        (None, None),
    ],
)  # fmt: skip
def test_an_address_is_told_without_its_login(url: str | None, shown: str | None) -> None:
    assert without_login(url) == shown
