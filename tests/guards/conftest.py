"""The web application as the guards look at it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from bursar.config import settings
from web.app import create_app


@pytest.fixture(scope="module")
def web() -> Iterator[Flask]:
    """The application without a database: only its routes are looked at."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BURSAR_SECRET_KEY", "k" * 48)
        patch.delenv("BURSAR_REDIS_URL", raising=False)
        settings.cache_clear()
        yield create_app()
    settings.cache_clear()
