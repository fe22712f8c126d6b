"""Delimited text is read whatever its encoding, delimiter and quoting."""

import pytest

from bursar.config import settings
from bursar.errors import EmptyFile, FileLimitExceeded, UnreadableFile
from bursar.importing.reading import open_source
from bursar.importing.reading.dialect import detect_dialect
from bursar.importing.reading.encoding import best_encoding

ROWS = [["Abteilung", "Jahr", "Übertrag"], ["Büro Süd", "2025", "1.234,50"]]


def rows(path):
    return list(open_source(path, path.name).rows())


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le", "utf-16-be"]
)
@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_every_encoding_and_delimiter_gives_the_same_rows(write, encoding, delimiter):
    text = "\r\n".join(delimiter.join(row) for row in ROWS) + "\r\n"
    assert rows(write(text, encoding=encoding)) == ROWS


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Haushaltsansätze für Straßen, Brücken, Gebäude", "cp1252"),
        ("Příjmy a výdaje, žádost, část, měsíc, dům, říjen", "cp1250"),
        ("Бюджет города, отдел образования, расходы", "cp1251"),
        ("Расходы отдела культуры и спорта", "koi8-r"),
        ("部門別の予算と実績の比較表、年度計画", "cp932"),
        ("Prévisions budgétaires de l'année dernière", "cp1252"),
        ("Προϋπολογισμός εξόδων και εσόδων", "cp1253"),
    ],
)
def test_eight_bit_encodings_are_told_apart_by_the_words_they_give(text, encoding):
    found = best_encoding(text.encode(encoding))
    assert found is not None
    assert text.encode(encoding).decode(found) == text


def test_utf8_is_judged_by_the_whole_file_and_not_by_its_start(write):
    path = write("a,b\n" * 300_000 + "ü,1\n", encoding="cp1252")
    assert rows(path)[-1] == ["ü", "1"]


def test_decimal_commas_do_not_pass_for_delimiters():
    assert detect_dialect("Abt;Soll;Ist\nA;1,50;2,50\nB;3,75;4,25\n").delimiter == ";"
    assert detect_dialect('name,"amount"\nx,"1,234.50"\ny,"2,000.00"\n').delimiter == ","


def test_a_separator_hint_of_excel_is_followed(write):
    assert rows(write("sep=|\na|b\n1|2\n"))[1:] == [["a", "b"], ["1", "2"]]


def test_quoted_cells_may_hold_delimiters_and_line_breaks(write):
    assert rows(write('a,b\n"x, y","line 1\nline 2"\n')) == [["a", "b"], ["x, y", "line 1\nline 2"]]


def test_the_name_of_a_file_decides_nothing(write):
    assert rows(write("a;b\n1;2\n", name="budget.xlsx")) == [["a", "b"], ["1", "2"]]


@pytest.mark.parametrize("content", ["", "\n\n", "   ", "\ufeff"])
def test_an_empty_file_says_so(write, content):
    with pytest.raises(EmptyFile, match=r"budget\.csv"):
        open_source(write(content), "budget.csv")


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"%PDF-1.7 ...", "PDF"),
        (b"<html><table></table></html>", "web page"),
        (b"\x89PNG\r\n\x1a\n", "picture"),
        (bytes(range(256)) * 40, "neither text nor a workbook"),
    ],
)
def test_what_is_no_table_is_named(tmp_path, content, word):
    path = tmp_path / "budget.csv"
    path.write_bytes(content)
    with pytest.raises(UnreadableFile, match=word):
        rows(path)


def test_a_quotation_mark_that_never_closes_is_explained(write):
    with pytest.raises(UnreadableFile, match="quotation"):
        rows(write('a,b\n1,"' + "x" * 1_200_000))


def test_too_many_rows_or_columns_are_refused(write, monkeypatch):
    monkeypatch.setattr(settings(), "row_limit", 10)
    with pytest.raises(FileLimitExceeded, match="10 rows"):
        rows(write("a,b\n" * 11))
    with pytest.raises(FileLimitExceeded, match="1001"):
        rows(write("a" + ",b" * 1000 + "\n"))


def test_rows_that_a_quotation_mark_swallows_are_named(write):
    lines = [f"Dept {i},2025,Item {i},{i}00" for i in range(1, 9)]
    lines[2] = 'Dept 3,2025,"Item 3,300'
    lines[6] = 'Dept 7,2025,Item 7",700'
    path = write("\n".join(["Department,Year,Item,Budget", *lines]))
    with pytest.raises(UnreadableFile, match=r"row 4 of .* swallows the next 3 rows"):
        rows(path)


def test_notes_of_many_lines_are_no_swallowed_rows(write):
    note = "First, we plan.\nThen, perhaps, we build.\nIn the end, all, of us, rest.\nNothing more."
    path = write(f'Department,Budget,Note\nParks,1,"{note}"\nRoads,2,\n')
    assert rows(path)[1] == ["Parks", "1", note]
