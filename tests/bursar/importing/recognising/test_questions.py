"""What a file leaves open is asked, never guessed, and the answer is followed."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bursar.errors import InvalidInput, MappingIncomplete
from bursar.importing.recognising.analysis import analyze
from bursar.importing.values.dates import DateEvidence, DateOrder, in_order


def asked(path):
    return [(q.kind, q.column, q.choices) for q in analyze(path, path.name).questions]


def test_a_plain_file_leaves_nothing_open(write):
    path = write("Department,Date,Budget\nSales,2025-03-04,10.50\nIT,2025-04-05,1200\n")
    found = analyze(path, path.name)
    assert found.questions == ()
    assert found.to_wire()["questions"] == []


def test_numbers_like_1_000_are_asked_about(write):
    path = write("Department,Year,Budget\nSales,2025,1.000\nIT,2025,2.500\n")
    assert asked(path) == [("decimal_mark", "Budget", (".", ","))]
    assert not analyze(path, path.name).can_proceed


DATES = "Department,Month,Budget\nSales,03/04/2025,10.50\nIT,{},20.25\n"


def test_dates_that_may_be_read_either_way_are_asked_about(write, clean):
    path = write(DATES.format("05/06/2025"))
    assert asked(path) == [("date_order", "Month", ("day_first", "month_first"))]
    with pytest.raises(MappingIncomplete) as refused:
        clean(path)
    assert [fault.pointer for fault in refused.value.faults] == ["/date_order"]
    day, month = (clean(path, date_order=order) for order in ("day_first", "month_first"))
    assert [row.fiscal_period for row in day.rows] == ["2025-04", "2025-06"]
    assert [row.fiscal_period for row in month.rows] == ["2025-03", "2025-05"]


@pytest.mark.parametrize(
    ("other", "periods"),
    [("25/06/2025", ["2025-04", "2025-06"]), ("06/25/2025", ["2025-03", "2025-06"])],
)
def test_one_clear_date_decides_for_its_whole_column(write, clean, other, periods):
    path = write(DATES.format(other))
    assert asked(path) == []
    assert [row.fiscal_period for row in clean(path).rows] == periods


def test_dates_that_contradict_each_other_are_asked_about(write):
    path = write("Department,Month,Budget\nA,25/06/2025,1.5\nB,06/25/2025,2.5\nC,03/04/2025,3.5\n")
    assert [kind for kind, _, _ in asked(path)] == ["date_order"]


def test_a_date_far_down_the_file_counts_too(write):
    rows = "".join(f"D{n},03/04/2025,{n}.50\n" for n in range(3000))
    path = write("Department,Month,Budget\n" + rows + "Z,28/02/2025,1.00\n")
    assert asked(path) == []


@pytest.mark.parametrize(
    ("title", "header", "unit"),
    [
        ("Budget 2025 (in thousands)", "Budget", 1_000),
        ("Budget 2025", "Budget in millions", 1_000_000),
        ("Haushalt 2025, in Mio. Euro", "Ansatz", 1_000_000),
    ],
)
def test_the_unit_of_amounts_is_asked_about(write, clean, title, header, unit):
    path = write(f"{title}\nDepartment,Sub Category,{header}\nSales,Rent,12.50\nIT,Rent,7.25\n")
    kind, _, choices = asked(path)[0]
    assert (kind, choices) == ("unit", (1, 1_000, 1_000_000))
    with pytest.raises(MappingIncomplete, match="multiply"):
        clean(path)
    assert clean(path, unit=1).amounts == ["12.50", "7.25"]
    whole = [str(int(Decimal(amount) * unit)) for amount in ("12.50", "7.25")]
    assert clean(path, unit=unit).amounts == whole


def test_a_column_that_only_a_person_maps_is_asked_about_too(write, clean):
    path = write("Department,Year,Budget,Alt\nSales,2025,10.50,1.000\nIT,2025,20.50,2.000\n")
    with pytest.raises(MappingIncomplete, match="Alt"):
        clean(path, mapping={"Alt": "budgeted_amount"})
    told = clean(path, mapping={"Alt": "budgeted_amount"}, decimal_marks={"Alt": ","})
    assert told.amounts == ["1000", "2000"]


def test_answers_that_are_none_are_refused(write, clean):
    path = write("Department,Month,Budget\nSales,03/04/2025,10.50\n")
    with pytest.raises(InvalidInput, match="day_first"):
        clean(path, date_order="british")


@pytest.mark.parametrize(
    ("text", "day_first"),
    [
        ("03/04/2025", "2025-04-03"),
        ("3-4-25", "2025-04-03"),
        ("25/06/2025 10:30", "2025-06-25"),
        ("06/25/2025", "06/25/2025"),
        ("FY2025", "FY2025"),
    ],
)
def test_a_date_is_put_in_order(text, day_first):
    assert in_order(text, DateOrder.DAY_FIRST) == day_first


def test_the_same_number_twice_says_nothing():
    evidence = DateEvidence()
    evidence.look(["03/03/2025", "12/12/2025", "2025-01-02"])
    assert (evidence.is_open(), evidence.decide()) == (False, None)
