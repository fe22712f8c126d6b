"""The reader is total: any bytes give rows or one typed error, never a traceback."""

from hypothesis import HealthCheck, example, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from bursar.errors import BursarError
from bursar.importing.reading import open_source
from bursar.importing.recognising.analysis import analyze

SHARED = [HealthCheck.function_scoped_fixture]


@given(st.binary(max_size=400))
@example(b"PK\x03\x04")
@example(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600)
@example(b"\xff\xfe\x00\xd8")
@example(b"sep=\n")
@examples(max_examples=150, deadline=None, suppress_health_check=SHARED)
def test_any_bytes_are_rows_or_a_typed_error(tmp_path, content):
    path = tmp_path / "any.csv"
    path.write_bytes(content)
    try:
        for row in open_source(path, path.name).rows():
            assert all(isinstance(cell, str) for cell in row)
    except BursarError as problem:
        assert "any.csv" in problem.detail  # noqa: PT017


cells = st.text(alphabet="ab Total1290.,-()€%/\n'\"äשנ部", max_size=8)


@given(st.lists(st.lists(cells, max_size=5), max_size=8), st.sampled_from(",;\t"))
@examples(max_examples=100, deadline=None, suppress_health_check=SHARED)
def test_any_table_is_analyzed_or_refused(tmp_path, table, delimiter):
    import csv

    path = tmp_path / "any.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter=delimiter).writerows(table)
    try:
        found = analyze(path, "any.csv")
    except BursarError:
        return
    assert len(found.headers) == len(set(found.headers)) == len(found.columns)
    assert 0 <= found.detection.confidence <= 1


def test_an_archive_whose_names_are_no_text_is_damaged(tmp_path):
    from bench.trials.anything import SHEET, workbook_of

    path = tmp_path / "any.xlsx"
    # The name in the member's own header says UTF-8 and is none; the directory's is sound.
    content = workbook_of(SHEET).replace(b"\x14\x00\x00\x00", b"\x14\x00\x00\x08", 1)
    path.write_bytes(content.replace(b"[Content_Types]", b"[Content\xcd\xcdypes]", 1))
    try:
        list(open_source(path, path.name).rows())
    except BursarError as problem:
        assert "damaged" in problem.detail  # noqa: PT017
    else:
        raise AssertionError
