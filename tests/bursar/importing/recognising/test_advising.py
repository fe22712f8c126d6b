"""A second opinion may be plugged in; by default there is none, and nothing waits for it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from bursar.config import settings
from bursar.errors import Misconfigured
from bursar.importing.recognising.advising import MOST_SURE, Advice, load_adviser, with_advice
from bursar.importing.recognising.analysis import Analysis, analyze
from bursar.importing.recognising.mapping import ColumnMapping
from tests.bursar.importing.conftest import WriteText

ROWS = "".join(f"Ops,zeta {n},FY2025,{n}00\n" for n in range(1, 6))


class Helper:
    """Takes every column it is asked about for the owner."""

    def advise(
        self, title: str, columns: Sequence[ColumnMapping], targets: Sequence[str]
    ) -> Mapping[int, Advice]:
        self.seen = (title, [c.header for c in columns], list(targets))
        return {c.index: Advice("owner", "it looks like one.") for c in columns}


class Broken:
    def advise(self, *_: object) -> Mapping[int, Advice]:
        raise TimeoutError


@pytest.fixture
def found(write: WriteText) -> Analysis:
    path: Path = write("Department,Qqzx,Fiscal Year,Budget\n" + ROWS)
    return analyze(path, path.name)


def test_there_is_no_adviser_by_default(found: Analysis) -> None:
    assert settings().mapping_adviser == ""
    assert with_advice(found) is found


def test_it_is_asked_about_columns_that_nobody_knows(found: Analysis) -> None:
    assert found.columns[1].target is None
    helper = Helper()
    advised = with_advice(found, helper)
    assert helper.seen[1] == ["Qqzx"]
    assert "department" not in helper.seen[2]
    column = advised.columns[1]
    assert (column.target, column.confidence) == ("owner", MOST_SURE)
    assert "The adviser says so" in column.reason
    assert advised.columns[0] == found.columns[0]


def test_its_failure_stops_nothing(found: Analysis) -> None:
    assert with_advice(found, Broken()) == found


def test_a_place_without_an_adviser_is_said() -> None:
    assert isinstance(load_adviser(f"{__name__}:Helper"), Helper)
    with pytest.raises(Misconfigured, match="BURSAR_MAPPING_ADVISER"):
        load_adviser("nowhere.at.all:Thing")
