"""Budgets are told from what is not one."""

from pathlib import Path

import pytest

from bursar.importing.recognising.analysis import Analysis, analyze

FILES = Path(__file__).parents[3] / "files"


def detected(name: str) -> Analysis:
    return analyze(FILES / name, name)


def test_detect_budget() -> None:
    found = detected("standard_format.csv")
    assert found.detection.kind == "budget"
    assert found.detection.warnings == ()
    assert found.can_proceed


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        pytest.param("payroll_sample.csv", "payroll", id="detect_payroll"),
        pytest.param("expenses_sample.csv", "expenses", id="detect_expenses"),
        pytest.param("invoice_sample.csv", "invoice", id="detect_invoice"),
    ],
)
def test_detect_what_is_no_budget(name: str, kind: str) -> None:
    found = detected(name)
    assert found.detection.kind == kind
    assert found.detection.warnings
    assert found.detection.budget_confidence < 0.5
    assert not found.can_proceed
