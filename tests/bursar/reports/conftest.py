"""Budgets with a past."""

from __future__ import annotations

import psycopg
import pytest

from tests.bursar.reports.posting import Past


@pytest.fixture
def past(superuser: psycopg.Connection) -> Past:
    return Past(superuser)
