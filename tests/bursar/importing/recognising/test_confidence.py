"""Confidence means something: the surer a guess, the more often it is right."""

from __future__ import annotations

import csv
import random
from collections import Counter
from itertools import pairwise

import pytest

from bursar.importing.recognising import confidence
from bursar.importing.recognising.analysis import analyze
from tests.bursar.importing.recognising.test_analysis import KINDS
from tests.bursar.importing.recognising.test_headers_of_many_languages import CELLS, FIELDS, tables


def shares(guesses: list[tuple[float, bool]], edges: tuple[float, ...]) -> list[float]:
    """The share of right guesses of each bucket of confidence."""
    seen: Counter[int] = Counter()
    right: Counter[int] = Counter()
    for sure, is_right in guesses:
        bucket = sum(sure >= edge for edge in edges)
        seen[bucket] += 1
        right[bucket] += is_right
    assert min(seen.values()) >= 20, seen
    return [right[bucket] / seen[bucket] for bucket in sorted(seen)]


def worn(text: str, chance: float, dice: random.Random) -> str:
    """The text with letters lost and changed."""
    kept = [
        dice.choice("aeinrst") if dice.random() < chance / 2 else c
        for c in text
        if dice.random() >= chance / 2
    ]
    return "".join(kept) or "x"


# Columns of no field, which look like those of one.
DECOYS = {
    "Zyx": ("Fir", "Elm", "Fir", "Oak", "Elm", "Oak"),
    "Qwv": ("5120.75", "880.40", "2300.10", "760.00", "1150.30", "64.20"),
}


def with_decoys(
    columns: list[tuple[str, list[str]]], dice: random.Random
) -> list[tuple[str, tuple[str, ...], list[str | None]]]:
    """Header, cells and right fields of each column, the decoys among them."""
    table: list[tuple[str, tuple[str, ...], list[str | None]]] = [
        (header, CELLS[letters[0]], [FIELDS[letter] for letter in letters])
        for header, letters in columns
    ]
    for header, cells in DECOYS.items():
        table.insert(dice.randint(0, len(table)), (header, cells, [None]))
    return table


def test_surer_columns_are_right_more_often(tmp_path):
    dice = random.Random(7)
    guesses = []
    path = tmp_path / "table.csv"
    for _, columns in tables()[::2]:
        for chance in (0.0, 0.3, 0.6):
            table = with_decoys(columns, dice)
            with path.open("w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file)
                writer.writerow([worn(header, chance, dice) for header, _, _ in table])
                writer.writerows(zip(*(cells for _, cells, _ in table), strict=True))
            for (_, _, fields), column in zip(table, analyze(path, "x.csv").columns, strict=True):
                if column.target:
                    guesses.append((column.confidence, column.target in fields))
    rising = shares(guesses, (0.7, 0.98))
    assert rising == sorted(rising)
    assert rising[-1] > rising[0] + 0.2


def test_surer_kinds_are_right_more_often(tmp_path):
    dice = random.Random(11)
    guesses = []
    for kind, text in KINDS.items():
        header, _, body = text.partition("\n")
        for i in range(60):
            words = [worn(word, i % 4 * 0.2, dice) for word in header.split(",")]
            path = tmp_path / "table.csv"
            path.write_text("\n".join([",".join(words), body]), encoding="utf-8")
            found = analyze(path, "x.csv").detection
            guesses.append((found.confidence, found.kind == kind))
    rising = shares(guesses, (0.7, 0.9))
    assert rising == sorted(rising)
    assert rising[-1] > rising[0] + 0.2


@pytest.mark.parametrize(
    "table",
    [confidence.KIND, confidence.MAIN_FIELD, confidence.OTHER_FIELD, confidence.LEFT_OUT],
)
def test_calibration_keeps_the_order_of_guesses(table):
    values = [confidence.calibrated(table, i / 200) for i in range(201)]
    assert all(a < b for a, b in pairwise(values))
    assert values[0] == table[0][1]
    assert values[-1] == table[-1][1]
    assert confidence.calibrated(table, 2.0) == table[-1][1]


def test_a_field_with_many_candidates_is_less_sure_than_one_with_few():
    assert confidence.of_column("project", 0.85) < confidence.of_column("budgeted_amount", 0.85)
    assert confidence.of_column(None, 0.3) < confidence.of_column(None, 1.0)
