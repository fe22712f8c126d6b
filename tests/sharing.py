"""How tests are shared between processes: what starts costly servers stays together.

The groups of pytest-xdist are of no use for it: since pytest 9 they are read, and silently ignored.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).parents[1]
_BROWSER, _LIVE = "live, with a browser", "live"


@cache
def group_of(path: str) -> str:
    """The tests of a file belong together, and so do those of a live stack: two such stacks run."""
    if not path.startswith("tests/live/"):
        return path
    uses_browser = "tests.live.browser" in (ROOT / path).read_text(encoding="utf-8")
    return _BROWSER if uses_browser else _LIVE


class ByServers(LoadScopeScheduling):
    """Gives each process whole groups, in the order of the tests."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid.partition("::")[0])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByServers:
    """Share by groups, whatever the command line says."""
    return ByServers(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The tests with a browser come first, as they last longest."""
    items.sort(key=lambda item: group_of(item.nodeid.partition("::")[0]) != _BROWSER)
