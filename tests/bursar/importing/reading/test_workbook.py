"""Workbooks are read exactly, and damaged or hostile ones end in one typed error."""

import datetime
import struct
import zipfile

import pytest

from bench.trials import bombs
from bursar.config import settings
from bursar.errors import BursarError, FileLimitExceeded, SheetNotFound, UnreadableFile
from bursar.importing.reading import Numeric, archive, open_source
from bursar.importing.reading.doubles import double_text


def rows(path, sheet=None):
    return list(open_source(path, path.name).rows(sheet))


def test_cells_become_exact_text(write_book):
    path = write_book({"Plan": [["x", 1, 0.1, 1234567.89, True, "007"]]})
    assert rows(path) == [["x", "1", "0.1", "1234567.89", "TRUE", "007"]]
    assert [type(cell) is Numeric for cell in rows(path)[0][:3]] == [False, True, True]


def test_dates_become_iso_text(tmp_path):
    import xlsxwriter

    path = tmp_path / "dates.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        book.add_worksheet().write_datetime(0, 0, datetime.datetime(2025, 3, 31), day)  # noqa: DTZ001
    assert rows(path) == [["2025-03-31"]]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1 + 0.2, "0.3"), (1e22, "10000000000000000000000"), (1e-7, "0.0000001"),
        (-67250.27000000002, "-67250.27"), (1.005, "1.005"), (2855840877624.21, "2855840877624.21"),
        (12345678.12345, "12345678.12345"), (-0.0, "0"),
    ],
)  # fmt: skip
def test_doubles_lose_their_noise_and_nothing_else(value, text):
    assert double_text(value) == text


def test_rows_count_from_the_top_and_columns_from_a(tmp_path):
    import xlsxwriter

    path = tmp_path / "offset.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        book.add_worksheet().write(2, 1, "here")
    assert rows(path)[2] == ["", "here"]


def test_a_sheet_that_does_not_exist_is_answered_with_those_that_do(write_book):
    path = write_book({"One": [["a"]], "Two": [["b"]]})
    assert rows(path, "Two") == [["b"]]
    with pytest.raises(SheetNotFound, match="One, Two"):
        rows(path, "Three")


def test_a_workbook_cut_short_is_damaged(write_book):
    path = write_book({"Plan": [["a", 1]] * 100})
    whole = path.read_bytes()
    for end in (5, 100, len(whole) // 2, len(whole) - 30):
        path.write_bytes(whole[:end])
        with pytest.raises(UnreadableFile):
            rows(path)


def test_a_workbook_with_any_byte_changed_never_gives_a_traceback(write_book):
    path = write_book({"Plan": [["a", 1.5, "b"]] * 20})
    whole = path.read_bytes()
    for at in range(0, len(whole), 61):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        try:
            rows(path)
        except BursarError as problem:
            assert path.name in problem.detail  # noqa: PT017


def test_a_zip_that_is_no_workbook_is_told_apart(tmp_path):
    path = tmp_path / "budget.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(UnreadableFile, match="Unpack"):
        rows(path)


def bomb(path, forge):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        archive.writestr("xl/worksheets/sheet1.xml", b" " * 3_000_000)
    if forge:
        content = path.read_bytes()
        path.write_bytes(content.replace(struct.pack("<I", 3_000_000), struct.pack("<I", 10)))


@pytest.mark.parametrize("forge", [False, True])
def test_a_zip_bomb_is_stopped_by_what_it_inflates_to(tmp_path, monkeypatch, forge):
    monkeypatch.setattr(settings(), "inflated_limit_bytes", 1_000_000)
    path = tmp_path / "bomb.xlsx"
    bomb(path, forge)
    with pytest.raises(FileLimitExceeded, match="1000000 bytes"):
        rows(path)


ODS = """<?xml version="1.0"?><office:document-content
xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"
xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:spreadsheet>
<table:table table:name="Plan"><table:table-row ROWS><table:table-cell COLUMNS
office:value-type="string"><text:p>x</text:p></table:table-cell><table:table-cell
office:value-type="float" office:value="1.5"><text:p>1.5</text:p></table:table-cell>
</table:table-row></table:table></office:spreadsheet></office:body></office:document-content>"""


def opendocument(path, rows="", columns=""):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", "<manifest/>")
        content = ODS.replace("ROWS", rows).replace("COLUMNS", columns)
        archive.writestr("content.xml", content.replace(">\n", ">").replace("\n", " "))
    return path


def test_opendocument_sheets_are_read(tmp_path):
    assert rows(opendocument(tmp_path / "plan.ods")) == [["x", "1.5"]]


def test_a_cell_repeated_over_the_whole_sheet_does_not_exhaust_memory(tmp_path):
    path = opendocument(
        tmp_path / "plan.ods",
        'table:number-rows-repeated="1048576"',
        'table:number-columns-repeated="16384"',
    )
    with pytest.raises(FileLimitExceeded, match="column 16385"):
        rows(path)


@pytest.mark.parametrize("name", ["lzma.xlsx", "overlapping.xlsx", "nested.xlsx", "far-cell.xlsx"])
def test_bombs_that_are_quickly_made_are_refused(tmp_path, monkeypatch, name):
    monkeypatch.setattr(bombs, "HUGE", 30 << 20)
    path = tmp_path / name
    path.write_bytes(bombs.BOMBS[name]())
    with pytest.raises((FileLimitExceeded, UnreadableFile)):
        rows(path)


def test_many_small_members_are_a_bomb_together(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "_SMALL", 1 << 20)
    path = tmp_path / "many.xlsx"
    sheet = bombs.sheet_of(100_000)
    path.write_bytes(bombs.archive({f"xl/worksheets/sheet{n}.xml": sheet for n in range(1, 40)}))
    with pytest.raises(FileLimitExceeded, match="60 times"):
        rows(path)
