"""Years that eras count: Japan, Taiwan, Thailand."""

import pytest

from bursar.fiscal import find, resolve


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("R3", "FY2021"), ("令和3年度", "FY2021"), ("令和元年度", "FY2019"), ("平成30年", "FY2018"),
        ("H30", "FY2018"), ("昭和64年", "FY1989"), ("民國113年", "FY2024"), ("113年度", "FY2024"),
        ("พ.ศ. 2567", "FY2024"), ("ปีงบประมาณ 2567", "FY2024"),
    ],
)  # fmt: skip
def test_years_of_eras_are_fiscal_years(text: str, code: str) -> None:
    period = resolve(text)
    assert period is not None
    assert period.code == code


@pytest.mark.parametrize("text", ["H1", "S2", "A3", "昭和", "2567", "105"])
def test_what_may_mean_something_else_is_no_year(text: str) -> None:
    assert resolve(text) is None


def test_an_era_is_found_within_other_words() -> None:
    found = find("令和5年度予算")
    assert found is not None
    assert (found[0].code, found[1]) == ("FY2023", "予算")
