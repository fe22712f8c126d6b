"""Settings: one page for each thing that administrators decide."""

from __future__ import annotations

from web.pages.settings import front, keys, members, organisation, periods, rules, words

PAGES = (front, members, keys, rules, periods, words, organisation)

__all__ = ["PAGES"]
