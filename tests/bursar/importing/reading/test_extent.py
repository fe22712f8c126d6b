"""A stray cell far out ends in one typed error before any parser lays out the sheet."""

import io
import shutil
import struct
import zipfile
from pathlib import Path

import pytest
import xlsxwriter

from bursar.errors import FileLimitExceeded
from bursar.importing.reading import open_source
from bursar.importing.reading.addresses import FarCells, column_number, every_cell
from bursar.importing.reading.records import BinaryCells
from bursar.importing.reading.repeats import RepeatedCells

FILES = Path(__file__).parents[3] / "files"
TABLE = [
    ["Department", "Item", "Year", "Budget"],
    ["Parks", "Benches", "2025", "1200.5"],
    ["Roads", "Salt", "2025", "830.25"],
    ["Roads", "Signs", "2025", "-40"],
]


def rows(path):
    return list(open_source(path, path.name).rows())


def changed(source, target, member, old, new):
    """A copy of a zipped workbook with some bytes of one member changed."""
    with zipfile.ZipFile(source) as before, zipfile.ZipFile(target, "w") as after:
        for name in before.namelist():
            content = before.read(name)
            if name == member:
                assert old in content
                content = content.replace(old, new, 1)
            after.writestr(name, content)
    return target


@pytest.mark.parametrize("suffix", ["xls", "xlsb"])
@pytest.mark.parametrize("called", ["plan.csv", "plan.xlsx", "plan"])
def test_binary_workbooks_are_read_whatever_their_name_says(tmp_path, suffix, called):
    path = Path(shutil.copy(FILES / f"plan.{suffix}", tmp_path / called))
    source = open_source(path, path.name)
    assert source.sheets == ("Plan",)
    assert list(source.rows()) == TABLE


@pytest.mark.parametrize("called", ["plan.xlsm", "plan.xls", "plan.ods", "plan.txt"])
def test_a_zipped_workbook_is_read_whatever_its_name_says(write_book, tmp_path, called):
    path = write_book({"Plan": TABLE}).rename(tmp_path / called)
    assert rows(path) == TABLE


def test_an_xls_with_a_cell_in_the_last_corner_is_refused(tmp_path):
    content = (FILES / "plan.xls").read_bytes()
    signs = content.rindex(struct.pack("<HHHH", 0x00FD, 10, 3, 1))  # the item of the last row
    path = tmp_path / "far.xls"
    path.write_bytes(
        content[:signs] + struct.pack("<HHHH", 0x00FD, 10, 65535, 255) + content[signs + 8 :]
    )
    with pytest.raises(FileLimitExceeded, match="row 65536 and out to column 256"):
        rows(path)


def test_an_xlsb_with_a_row_far_down_is_refused(tmp_path):
    sheet = "xl/worksheets/sheet1.bin"
    last_row = b"\x00\x19" + struct.pack("<I", 3)
    path = changed(
        FILES / "plan.xlsb",
        tmp_path / "far.xlsb",
        sheet,
        last_row,
        last_row[:2] + struct.pack("<I", 1_000_000),
    )
    with pytest.raises(FileLimitExceeded, match="row 1000001"):
        rows(path)


@pytest.mark.parametrize("place", [(999_999, 29), (999_999, 2), (99_998, 700), (1_048_575, 900)])
def test_a_stray_cell_of_a_small_sheet_is_refused(tmp_path, place):
    path = tmp_path / "far.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet()
        sheet.write(0, 0, "a")
        sheet.write(*place, "z")
    with pytest.raises(FileLimitExceeded, match="stray"):
        rows(path)


def test_columns_and_rows_that_are_only_far_apart_are_refused(tmp_path):
    path = tmp_path / "far.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet()
        sheet.write(0, 900, "right")
        sheet.write(90_000, 0, "down")
    with pytest.raises(FileLimitExceeded, match="row 90001 and out to column 901"):
        rows(path)


def test_styled_cells_without_a_value_do_not_count(tmp_path):
    path = tmp_path / "styled.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet()
        style = book.add_format({"bold": True})
        sheet.write(0, 0, "a")
        sheet.write_blank(1_048_575, 1023, None, style)
    assert rows(path) == [["a"]]


def test_a_long_narrow_sheet_is_no_stray_cell():
    cells = FarCells()
    body = b"".join(
        b'<row r="%d"><c r="A%d"><v>1</v></c></row>' % (n, n) for n in range(1, 300_001)
    )
    for at in range(0, len(body), 1 << 18):
        cells.add(body[at : at + (1 << 18)])
    _, is_settled = cells.extent()
    extent = every_cell(body[at : at + (1 << 18)] for at in range(0, len(body), 1 << 18))
    assert not is_settled
    assert (extent.row, extent.column) == (300_000, 1)
    assert not extent.is_sparse


def test_an_address_in_disguise_is_out_of_reach():
    cells = FarCells()
    cells.add(b'<row><c r="&#65;&#49;"><v>1</v></c></row>')
    with pytest.raises(FileLimitExceeded, match="column"):
        cells.extent()[0].check("plan.xlsx")


@pytest.mark.parametrize(
    ("letters", "number"), [(b"A", 1), (b"Z", 26), (b"AA", 27), (b"amj", 1024)]
)
def test_letters_of_a_column_count_from_one(letters, number):
    assert column_number(letters) == number


def test_the_records_of_a_sheet_may_be_cut_anywhere():
    with zipfile.ZipFile(FILES / "plan.xlsb") as archive:
        content = archive.read("xl/worksheets/sheet1.bin")
    for step in (1, 3, 7, 64, len(content)):
        cells, stream = BinaryCells(), io.BytesIO(content)
        while block := stream.read(step):
            cells.add(block)
        cells.add(b"", last=True)
        extent = cells.extent
        assert (extent.row, extent.column, extent.cells) == (4, 4, 16)


def test_empty_rows_of_an_opendocument_sheet_reach_as_far_as_the_next_filled_one():
    cell = b'<table:table-cell office:value-type="string"><text:p>x</text:p></table:table-cell>'
    repeats = RepeatedCells()
    repeats.add(b"<table:table><table:table-row>" + cell + b"</table:table-row>")
    repeats.add(b'<table:table-row table:number-rows-repeated="1000000"><table:table-cell/>')
    repeats.add(b"</table:table-row></table:table>")
    assert (repeats.extent.row, repeats.extent.column) == (1, 1)
    repeats.add(b"<table:table><table:table-row table:number-rows-repeated='1'/>")
    repeats.add(b'<table:table-row table:number-rows-repeated="1000000"/><table:table-row>')
    repeats.add(b'<table:table-cell table:number-columns-repeated="9"/>' + cell)
    repeats.add(b"</table:table-row></table:table>")
    assert (repeats.extent.row, repeats.extent.column) == (1_000_002, 10)
    assert repeats.extent.is_sparse
