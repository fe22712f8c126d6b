"""What amounts are counted in is seen wherever it is written, and holds where it is said."""

import pytest

from bursar.errors import InvalidInput, MappingIncomplete
from bursar.importing.recognising.analysis import analyze
from bursar.importing.recognising.units import unit_of_header, unit_of_notes


@pytest.mark.parametrize(
    ("header", "unit"),
    [
        ("Budget (1000 EUR)", 1_000), ("Budget x1000", 1_000), ("Budget in TEUR", 1_000),
        ("Budget k€", 1_000), ("Budget $000", 1_000), ("Budget ($ thousands)", 1_000),
        ("Budget '000", 1_000), ("2025 (€k)", 1_000), ("Budget (000s)", 1_000),
        ("Budget £m", 1_000_000), ("Ansatz, Mio. €", 1_000_000), ("Budget x 1,000,000", 1_000_000),
        ("Montant (milliers d'euros)", 1_000), ("预算（千元）", 1_000),
        ("Budget", 1), ("1000", 1), ("Budget (1000)", 1), ("Account 1000", 1), ("Budget 2025 M", 1),
        ("Amount (USD)", 1), ("Month", 1), ("kr", 1), ("Dept 000", 1),
    ],
)  # fmt: skip
def test_a_header_names_the_unit_of_its_column(header, unit):
    assert unit_of_header(header) == unit


@pytest.mark.parametrize(
    ("note", "unit"),
    [
        ("All figures in thousands", 1_000), ("Amounts in 000s", 1_000), ("(1000 EUR)", 1_000),
        ("Alle Angaben in Tausend Euro", 1_000), ("Cifras en miles de euros", 1_000),
        ("Valori in migliaia", 1_000), ("Bedragen in duizenden euro", 1_000),
        ("Valores em milhões", 1_000_000), ("Values in k€", 1_000), ("单位：千元", 1_000),
        ("Items above EUR 1,000 need approval", 1), ("Thousand Oaks", 1), ("Page 1000", 1),
        ("Fund General (1000)", 1),
    ],
)  # fmt: skip
def test_a_note_names_the_unit_of_all_amounts(note, unit):
    assert unit_of_notes([note]) == unit


TABLE = "Department,Fiscal Year,{}\nParks,FY2025,{}\nRoads,FY2025,{}\n"


def test_a_unit_below_the_table_is_asked_about(write, clean):
    path = write(TABLE.format("Budget", 100, 50) + "\nAll figures in thousands,,\n")
    with pytest.raises(MappingIncomplete, match="thousands"):
        clean(path)
    assert clean(path, unit=1000).amounts == ["100000", "50000"]


def test_a_unit_far_below_the_first_rows_is_asked_about(write):
    rows = "".join(f"D{n},FY2025,{n}\n" for n in range(1, 3000))
    path = write("Department,Fiscal Year,Budget\n" + rows + "Amounts in 000s,,\n")
    assert [q.kind for q in analyze(path, path.name).questions] == ["unit"]


def test_the_unit_of_one_column_holds_for_that_column_only(write, clean):
    path = write(
        "Department,Fiscal Year,Budget (k€),Spent €\nParks,FY2025,100,7\nRoads,FY2025,50,8\n"
    )
    (question,) = analyze(path, path.name).questions
    assert (question.kind, question.column) == ("unit", "Budget (k€)")
    with pytest.raises(MappingIncomplete) as refused:
        clean(path)
    assert [fault.pointer for fault in refused.value.faults] == ["/units"]
    for answer in ({"unit": 1000}, {"units": {"Budget (k€)": 1000}}):
        found = clean(path, **answer)
        assert found.amounts == ["100000", "50000"]
        assert [row.actual_amount for row in found.rows] == ["7", "8"]


def test_columns_of_several_units_are_answered_one_by_one(write, clean):
    path = write(
        "Department,Fiscal Year,Budget (k€),Spent (M€)\nParks,FY2025,100,7\nRoads,FY2025,50,8\n"
    )
    with pytest.raises(MappingIncomplete):
        clean(path, unit=1000)
    found = clean(path, units={"Budget (k€)": 1000, "Spent (M€)": 1_000_000})
    assert (found.rows[0].budgeted_amount, found.rows[0].actual_amount) == ("100000", "7000000")
    assert clean(path, unit=1).amounts == ["100", "50"]


def test_a_unit_of_a_column_that_is_not_there_is_refused(write, clean):
    with pytest.raises(InvalidInput, match="no column"):
        clean(write(TABLE.format("Budget", 1, 2)), units={"Plan": 1000})


def test_a_cell_with_a_unit_of_its_own_is_not_multiplied_twice(write, clean):
    rows = "Parks,FY2025,1.5k\nRoads,FY2025,20\n"
    found = clean(write(f"Department,Fiscal Year,Budget (k€)\n{rows}"), unit=1000)
    assert (found.amounts, found.codes) == (["20000"], ["ambiguous_number_format"])
