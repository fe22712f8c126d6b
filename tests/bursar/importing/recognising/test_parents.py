"""Rows that sum up their parts are not loaded beside them; arithmetic proves it, or it is asked."""

import pytest

from bursar.errors import InvalidInput, MappingIncomplete, SeveralTables
from bursar.importing.cleaning.rows import Defaults
from bursar.importing.recognising import parents
from bursar.importing.recognising.analysis import analyze

CODES = """Code,Department,Fiscal Year,Budget
1,Parks,FY2025,300
1.1,Trees,FY2025,100
1.2,Grass,FY2025,200
2,Roads,FY2025,{}
2.1,Salt,FY2025,20
2.2,Signs,FY2025,30
"""


def test_parents_by_code_are_left_out_and_named(write, clean):
    path = write(CODES.format(50))
    found = clean(path)
    assert found.amounts == ["100", "200", "20", "30"]
    assert found.left_out.totals == 2
    assert found.analysis.total_rows == 4
    assert any("2 rows, such as '1 Parks" in text for text in found.analysis.detection.warnings)
    assert len(clean(path, parents="load").rows) == 6


def test_parents_that_are_sums_only_in_part_are_asked_about(write, clean):
    path = write(CODES.format(70))
    assert [q.kind for q in analyze(path, path.name).questions] == ["parents"]
    with pytest.raises(MappingIncomplete) as refused:
        clean(path)
    assert [fault.code for fault in refused.value.faults] == ["parents_open"]
    assert len(clean(path, parents="load").rows) == 6
    assert clean(path, parents="leave_out").amounts == ["100", "200", "70", "20", "30"]
    with pytest.raises(InvalidInput, match="leave_out"):
        clean(path, parents="perhaps")


def test_parents_with_money_of_their_own_are_rows_like_others(write, clean):
    path = write(CODES.format(70).replace("300", "5000"))
    assert len(clean(path).rows) == 6


@pytest.mark.parametrize(
    "rows",
    [
        "1,1000\n1.1,400\n1.1.1,150\n1.1.2,250\n1.2,600\n2,70\n2.1,30\n2.2,40\n",
        "1,1000\n11,400\n111,150\n112,250\n12,600\n2,70\n21,30\n22,40\n",
        "1000,1000\n1100,400\n1110,150\n1120,250\n1200,600\n2000,70\n2100,30\n2200,40\n",
    ],
)
def test_trees_of_several_levels(write, clean, rows):
    lines = "".join(f"D{r.split(',')[0]},FY2025,{r}\n" for r in rows.split())
    found = clean(write("Department,Fiscal Year,Account,Budget\n" + lines))
    assert found.amounts == ["150", "250", "600", "30", "40"]


def test_parents_by_indentation(write, clean):
    rows = "Parks,300\n  Trees,100\n  Grass,200\nRoads,50\n  Salt,20\n  Signs,30\n"
    found = clean(write("Department,Budget FY2025\n" + rows))
    assert [row.department for row in found.rows] == ["Trees", "Grass", "Salt", "Signs"]


def test_parents_that_leave_the_category_blank(write, clean):
    rows = (
        "Parks,,300\nParks,Trees,100\nParks,Grass,200\nRoads,,50\nRoads,Salt,20\nRoads,Signs,30\n"
    )
    found = clean(write("Department,Category,Budget FY2025\n" + rows))
    assert found.amounts == ["100", "200", "20", "30"]


def test_codes_without_sums_are_mere_codes(write, clean):
    rows = "".join(f"D{n},FY2025,{n},{n * 7 + 100}\n" for n in range(1, 30))
    assert len(clean(write("Department,Fiscal Year,Account,Budget\n" + rows)).rows) == 29


def test_parents_are_left_out_far_down_too(write, clean):
    rows = "".join(
        f"{n},D,FY2025,30\n{n}.1,D,FY2025,10\n{n}.2,D,FY2025,20\n" for n in range(1, 3001)
    )
    found = clean(write("Code,Department,Fiscal Year,Budget\n" + rows))
    assert (len(found.rows), found.left_out.totals) == (6000, 3000)


HEAD = "Department,Account,Fiscal Year,Budget,Remarks\n"
LINES = "Parks,Rent,FY2025,100,ok\nRoads,Rent,FY2025,200,ok\n"


@pytest.mark.parametrize(
    "row",
    [
        "City,Grand Total,FY2025,300,",
        "City-wide total,,FY2025,300,",
        "City,,FY2025,300,Grand total",
        "City,All departments,FY2025,300,",
        "All departments,,FY2025,300,",
        "All,All,FY2025,300,",
    ],
)
def test_totals_are_found_in_any_column_of_text(write, clean, row):
    found = clean(write(HEAD + LINES + row + "\n"))
    assert found.amounts == ["100", "200"]
    assert (found.rejected, found.left_out.totals, found.analysis.total_rows) == ([], 1, 2)


def test_a_category_of_all_that_sums_up_its_department_is_left_out(write, clean):
    rows = (
        "Parks,Rent,100\nParks,Food,50\nParks,All,150\nRoads,Salt,7\nRoads,Signs,8\nRoads,All,15\n"
    )
    found = clean(write("Department,Sub Category,Budget FY2025\n" + rows))
    assert found.amounts == ["100", "50", "7", "8"]


def test_a_single_row_as_large_as_all_is_asked_about(write):
    path = write("Department,Sub Category,Budget FY2025\nParks,Rent,100\nParks,All,100\n")
    assert [q.kind for q in analyze(path, path.name).questions] == ["parents"]


@pytest.mark.parametrize(
    "rows", ["All,Rent,100\nAll,Food,200\n", "Parks,Rent,100\nAll departments,Insurance,5000\n"]
)
def test_what_says_all_and_is_no_sum_is_loaded(write, clean, rows):
    assert len(clean(write("Department,Sub Category,Budget FY2025\n" + rows)).rows) == 2


def test_a_row_of_all_at_the_end_of_a_long_file_is_found(write, clean):
    rows = "".join(f"D{n},FY2025,10\n" for n in range(2000))
    found = clean(
        write("Department,Fiscal Year,Budget\n" + rows + "All departments,FY2025,20000\n")
    )
    assert len(found.rows) == 2000


PLAIN = ["Police,300", "Patrol,100", "Detectives,200", "Fire,50", "Engines,20", "Ladders,30"]


@pytest.mark.parametrize("rows", [PLAIN, PLAIN[::-1]])
def test_sums_that_only_their_amounts_tell_are_asked_about(write, clean, rows):
    path = write("Department,Budget FY2025\n" + "\n".join(rows) + "\n")
    assert [q.kind for q in analyze(path, path.name).questions] == ["parents"]
    found = clean(path, parents="leave_out")
    assert {row.department for row in found.rows} == {"Patrol", "Detectives", "Engines", "Ladders"}
    assert len(clean(path, parents="load").rows) == 6


def test_amounts_that_add_up_here_and_there_are_rows_like_others(write, clean):
    rows = [*PLAIN, "Library,7"]
    assert len(clean(write("Department,Budget FY2025\n" + "\n".join(rows) + "\n")).rows) == 7


def test_one_sum_of_codes_that_nothing_parts_is_asked_about(write):
    rows = "A,10,100\nB,101,60\nC,102,40\nD,20,70\nE,30,80\n"
    path = write("Department,Account,Budget FY2025\n" + rows)
    assert [q.kind for q in analyze(path, path.name).questions] == ["parents"]


def test_a_sum_without_a_readable_amount_is_left_out_like_the_others(write, clean):
    rows = CODES + "3,Fire,FY2025,see below\n3.1,Pumps,FY2025,4\n4,Zoo,FY2025,\n4.1,Hay,FY2025,5\n"
    found = clean(write(rows.format(50)))
    assert found.amounts == ["100", "200", "20", "30", "4", "5"]
    assert (found.rejected, found.left_out.totals) == ([], 4)


def _groups(count: int) -> str:
    groups = (f"D{n},30,\n  A{n},10,\n  B{n},20,\n" for n in range(count))
    return "Department,Budget FY2025,Notes\n" + "".join(groups)


def test_sums_of_two_levels_are_left_out_however_many_rows_there_are(write, clean, monkeypatch):
    monkeypatch.setattr(parents, "_MOST_PATHS", 60)
    found = clean(write(_groups(45)))
    assert (len(found.rows), found.left_out.totals) == (90, 45)


def test_a_tree_of_more_rows_than_can_be_compared_is_refused(write, clean, monkeypatch):
    monkeypatch.setattr(parents, "_MOST_PATHS", 60)
    with pytest.raises(SeveralTables, match="too many rows"):
        clean(write(_groups(200)))
    deep = _groups(100).replace("  B", "    C,10,\n  B")
    with pytest.raises(SeveralTables, match="too many rows"):
        clean(write(deep))


def test_a_row_of_all_behind_more_rows_than_are_compared_is_left_out(write, clean, monkeypatch):
    monkeypatch.setattr(parents, "_MOST_PATHS", 60)
    rows = "".join(f"D{n},C{n},1\n" for n in range(500))
    text = f"Department,Category,Budget FY2025\n{rows}All departments,,500\n"
    assert len(clean(write(text)).rows) == 500


def test_sums_are_looked_for_in_the_column_that_a_person_chose(write, clean):
    rows = "1,Parks,{}\n1.1,Trees,10\n1.2,Grass,20\n2,Roads,5\n2.1,Salt,2\n2.2,Signs,3\n"
    chosen = {"mapping": {"Zwölf": "budgeted_amount"}, "defaults": Defaults(None, "FY25", None)}
    path = write("Nr,Department,Zwölf\n" + rows.format(30))
    assert "Zwölf" not in [c.header for c in analyze(path, path.name).columns if c.target]
    assert clean(path, **chosen).amounts == ["10", "20", "2", "3"]
    with pytest.raises(MappingIncomplete) as refused:
        clean(write("Nr,Department,Zwölf\n" + rows.format(31)), **chosen)
    assert [question.kind for question in refused.value.questions] == ["parents"]
