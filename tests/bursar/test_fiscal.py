"""Free text becomes fiscal periods, or nothing at all."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar.fiscal import find, part_of_year, resolve, within


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("FY2025", "FY2025"), ("fy 25", "FY2025"), ("2025", "FY2025"), ("2024-25", "FY2025"),
        ("2024/2025", "FY2025"), ("FY14-15", "FY2015"), ("FY2013-15", "FY2013-FY2015"),
        ("2011/12", "FY2012"), ("2011-12", "2011-12"), ("Q1 25", "FY2025-Q1"),
        ("2025Q1", "FY2025-Q1"), ("2. Quartal 2025", "FY2025-Q2"), ("Jan-25", "2025-01"),
        ("2025-01", "2025-01"), ("January 2025", "2025-01"), ("März 2025", "2025-03"),
        ("31.12.2024", "2024-12"), ("12/31/2024", "2024-12"), ("2025-02-28", "2025-02"),
        ("Haushaltsjahr 2025", "FY2025"), ("2016年度", "FY2016"), ("202503", "2025-03"),
        ("H1 2025", "FY2025-H1"), ("2013-2015", "FY2013-FY2015"), ("2025.0", "FY2025"),
    ],
)  # fmt: skip
def test_text_names_a_period(text, code):
    period = resolve(text)
    assert period is not None
    assert period.code == code


@pytest.mark.parametrize(
    "text", ["", "hello", "25", "Year 1", "2025-13", "2025-02-30", "03/04/2025", "Q5 2025", "12345"]
)
def test_what_names_no_period_is_not_guessed(text):
    assert resolve(text) is None


def test_a_fiscal_year_is_named_by_the_year_in_which_it_ends():
    year = resolve("FY2025", 7)
    assert year is not None
    assert (year.starts_on, year.ends_on) == (date(2024, 7, 1), date(2025, 6, 30))
    quarter = resolve("Q3 FY25", 7)
    assert quarter is not None
    assert (quarter.starts_on, quarter.ends_on) == (date(2025, 1, 1), date(2025, 3, 31))


def test_a_month_without_a_year_lies_within_the_fiscal_year():
    year = resolve("FY2025", 4)
    april, january = part_of_year("April"), part_of_year("Jan")
    assert None not in (year, april, january)
    assert within(year, april, 4).code == "2024-04"
    assert within(year, january, 4).code == "2025-01"


def test_a_period_is_found_within_other_words():
    found = find("FY2014 Adopted Budget")
    assert found is not None
    assert (found[0].code, found[1]) == ("FY2014", "adopted budget")


@given(st.integers(1990, 2060), st.integers(1, 12))
def test_four_quarters_make_the_fiscal_year(year, start):
    whole = resolve(f"FY{year}", start)
    quarters = [resolve(f"FY{year}-Q{n}", start) for n in range(1, 5)]
    assert whole is not None
    assert quarters[0].starts_on == whole.starts_on
    assert quarters[3].ends_on == whole.ends_on
    for left, right in pairwise(quarters):
        assert left.ends_on + timedelta(days=1) == right.starts_on


@given(st.text(max_size=30), st.integers(1, 12))
def test_any_text_gives_a_period_whose_code_means_itself_or_nothing(text, start):
    period = resolve(text, start)
    if period is not None:
        assert resolve(period.code, start) == period
