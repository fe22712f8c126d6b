"""A department on the first line of its group holds for the lines below, where that is plain."""

from bursar.importing.recognising.analysis import analyze

HEAD = "Department,Category,Fiscal Year,Budget\n"


def test_a_department_holds_for_the_lines_of_its_group(write, clean):
    rows = "Parks,Rent,FY2025,100\n,Food,FY2025,200\nRoads,Rent,FY2025,50\n,Fuel,FY2025,20\n"
    found = clean(write(HEAD + rows + "Total,,,370\n"))
    assert [row.department for row in found.rows] == ["Parks", "Parks", "Roads", "Roads"]
    assert any("first line of each group" in text for text in found.analysis.detection.warnings)


def test_a_department_is_carried_from_chunk_to_chunk(write, clean):
    rows = "".join(
        f"D{n},Rent,FY2025,1\n" + "".join(f",C{k},FY2025,1\n" for k in range(999))
        for n in range(12)
    )
    found = clean(write(HEAD + rows))
    assert {row.department for row in found.rows} == {f"D{n}" for n in range(12)}
    assert (len(found.rows), found.rejected) == (12_000, [])


def test_a_forgotten_department_is_an_error_of_its_row(write, clean):
    rows = "Parks,Rent,FY2025,1\nParks,Food,FY2025,2\n,Fuel,FY2025,3\nRoads,Salt,FY2025,4\n"
    assert [row.row for row in clean(write(HEAD + rows)).rejected] == [4]


def test_nothing_is_carried_below_a_total(write, clean):
    rows = "Parks,Rent,FY2025,1\n,Food,FY2025,2\nRoads,Salt,FY2025,4\n,Signs,FY2025,5\n"
    found = clean(write(HEAD + rows + "Total,,FY2025,12\n,Reserve,FY2025,9\n"))
    assert found.codes == ["missing_department"]


def test_blank_departments_without_another_label_are_not_carried(write):
    path = write(
        "Department,Fiscal Year,Budget\nParks,FY2025,1\n,FY2025,2\nRoads,FY2025,3\n,FY2025,4\n"
    )
    assert analyze(path, path.name).carried_column is None


def test_a_name_that_cannot_be_read_is_not_carried(write, clean):
    rows = "Parks,Rent,FY2025,1\n,Food,FY2025,2\n#REF!,Salt,FY2025,4\n,Signs,FY2025,5\n"
    found = clean(write(HEAD + rows))
    assert found.codes == ["formula_error", "missing_department"]
