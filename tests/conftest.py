"""What every test may use: one PostgreSQL and one Valkey for the whole session, migrated once."""

from __future__ import annotations

import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from bursar.config import Settings
from ops.stack import postgres, valkey
from ops.stack.home import Home, open_home
from ops.stack.migrations import bootstrap_embedded, migrate
from ops.stack.urls import StackUrls, stack_urls


@pytest.fixture(scope="session")
def stack_home() -> Iterator[Home]:
    """A home whose PostgreSQL and Valkey run until the session ends, or is killed.

    It lies in a short folder of its own, since pytest's folders are closed to the account that
    the servers run as when root runs the tests.
    """
    folder = Path(tempfile.mkdtemp(prefix="bursar-test-"))
    home = open_home(folder)
    assert home is not None
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        server = postgres.start(home, settings=postgres.CARELESS, when_orphaned=signal.SIGQUIT)
        stack.callback(server.stop)
        broker = valkey.start(home, when_orphaned=signal.SIGTERM)
        stack.callback(broker.stop)
        bootstrap_embedded(home)
        yield home


@pytest.fixture(scope="session")
def database_urls(stack_home: Home) -> StackUrls:
    """URLs of a fresh database with the newest schema: `database_url` and `owner_database_url`."""
    urls = stack_urls(stack_home, Settings(database_url="", broker_url="", redis_url=""))
    migrate(urls.owner_database_url)
    return urls
