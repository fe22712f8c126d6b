"""Columns named like a field, told apart by their values and neighbours."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bursar.importing.recognising.abbreviations import written_out
from bursar.importing.recognising.analysis import Analysis, analyze
from bursar.importing.recognising.tongues import languages_of
from bursar.importing.recognising.words import tokens

Read = Callable[..., Analysis]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def analyzed(*lines: str) -> Analysis:
        path = tmp_path / "table.csv"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return analyze(path, path.name)

    return analyzed


def targets(found: Analysis) -> dict[str, str | None]:
    return {column.header: column.target for column in found.columns}


def test_codes_leave_the_field_to_the_names_beside_them(read: Read) -> None:
    found = targets(
        read(
            "年度,款,款名,所属名,予算額",
            "2024,1,議会費,総務課,1200000",
            "2024,2,総務費,総務課,3400000",
            "2024,2,総務費,財政課,560000",
            "2024,3,民生費,財政課,780000",
        )
    )
    assert (found["款"], found["款名"]) != ("sub_category", None)
    assert found["款名"] == "sub_category"


def test_units_of_measure_are_no_unit_of_an_organisation(read: Read) -> None:
    found = targets(
        read(
            "Descrição,Unidade,Quantidade,Preço unitário,Preço total R$",
            "Cimento,KG,200,4.10,820.00",
            "Areia,M3,12,90.00,1080.00",
            "Pintura,M2,340,11.50,3910.00",
            "Porta,UN,8,310.00,2480.00",
            "Janela,UN,6,280.00,1680.00",
        )
    )
    assert found["Unidade"] is None
    assert found["Preço total R$"] == "budgeted_amount"


def test_plan_and_actual_in_the_rows_are_no_category(read: Read) -> None:
    found = targets(
        read(
            "Bereich;Typ;Jahr;Betrag;Richtung",
            "Kultur;Plan;2024;1200;Aufwendungen",
            "Kultur;Ist;2023;1100;Aufwendungen",
            "Sport;Plan;2024;800;Erträge",
            "Sport;Ist;2023;700;Erträge",
        )
    )
    assert found["Typ"] is None
    assert found["Richtung"] is None


def test_ones_and_zeros_are_no_programme(read: Read) -> None:
    found = targets(
        read(
            "Department,New program,Category,Year,Budget",
            "Parks,0,Seeds,2024,1200",
            "Parks,1,Tools,2024,300",
            "Police,0,Fuel,2024,9000",
            "Police,1,Radios,2024,450",
        )
    )
    assert found["New program"] is None


def test_round_sums_are_no_project_numbers(read: Read) -> None:
    found = targets(
        read(
            "Department,Year,Budget,Large projects",
            "Parks,2024,1200345,630000",
            "Police,2024,900120,410000",
            "Roads,2024,4500777,1250000",
            "Schools,2024,770001,90000",
        )
    )
    assert found["Large projects"] is None
    assert found["Budget"] == "budgeted_amount"


def test_names_of_accounts_beside_their_codes_are_the_category(read: Read) -> None:
    found = targets(
        read(
            "Dept,Account Code,Account Name,FY,Budget",
            "Parks,5010,Wages,2024,1200",
            "Parks,5020,Tools,2024,300",
            "Police,5010,Wages,2024,9000",
            "Police,5030,Radios,2024,450",
        )
    )
    assert found["Account Code"] == "account"
    assert found["Account Name"] == "sub_category"


def test_bureaus_of_an_agency_are_the_category_where_nothing_else_is(read: Read) -> None:
    found = targets(
        read(
            "Agency Name,Bureau Name,2023,2024",
            "Interior,Archive,120,130",
            "Interior,Statistics,80,85",
            "Justice,Courts,900,950",
            "Justice,Prisons,700,720",
        )
    )
    assert found["Agency Name"] == "department"
    assert found["Bureau Name"] == "sub_category"


def test_a_description_of_a_project_is_a_note(read: Read) -> None:
    found = targets(
        read(
            "Dept,Project Name,Description,Budget 2024",
            "Roads,Bridge,Replace the deck and repaint the railings,120000",
            "Roads,Tunnel,New lamps and a second way out on the west side,80000",
            "Parks,Lake,Dredge the northern basin before the summer,40000",
        )
    )
    assert found["Description"] == "notes"


def test_of_unnamed_amounts_the_total_of_a_row_is_taken(read: Read) -> None:
    found = targets(
        read(
            "box1,box2,box3,box4,box5,box6",
            'Courts,"9,000",Appeals Court,"1,200","300","1,500"',
            'Courts,"9,000",District Court,"4,000","500","4,500"',
            'Courts,"9,000",Law Library,"2,000","1,000","3,000"',
            'Health,"5,000",Health Department,"3,000","800","3,800"',
            'Health,"5,000",Board of Nursing,"1,000","200","1,200"',
        )
    )
    assert found["box6"] == "budgeted_amount"
    assert found["box3"] == "department"


def test_times_behind_dates_do_not_hide_that_rows_are_dated(read: Read) -> None:
    found = read(
        "Id,Fecha,Tipo,Categoria,Monto",
        "1,15/04/2022 12:00:00 a. m.,egreso,comida,20000",
        "2,16/04/2022 12:00:00 a. m.,egreso,ropa,150000",
        "3,19/04/2022 12:00:00 a. m.,egreso,comida,10000",
        "4,21/04/2022 12:00:00 a. m.,ingreso,salario,400000",
    )
    assert found.detection.kind == "expenses"


def test_tabs_around_commas_do_not_make_a_tab_table(read: Read) -> None:
    found = read(
        "no,item,budget,year",
        "1\t,\tSeeds\t,\t1200.0\t,\t2024",
        "2\t,\tTools\t,\t300.0\t,\t2024",
        "3\t,\tFuel\t,\t9000.0\t,\t2025",
    )
    assert found.headers == ("no", "item", "budget", "year")
    assert targets(found)["budget"] == "budgeted_amount"


def test_amounts_that_programs_shorten_are_still_amounts(read: Read) -> None:
    found = targets(
        read(
            "Titel,Jahr,Betrag",
            "Grundsteuer,2024,2.3218461829E8",
            "Gewerbesteuer,2024,4.1E7",
            "Hundesteuer,2024,9.1E5",
        )
    )
    assert found["Betrag"] == "budgeted_amount"


def test_a_round_first_amount_is_no_year(read: Read) -> None:
    found = read("Mortgage,2000", "Water,175", "Phone,115", "Groceries,1100", "Gifts,85")
    assert found.header_row == -1


def test_short_words_of_another_language_do_not_count(read: Read) -> None:
    assert languages_of(("Department", "cap or cur", "Region", "Budget")) == {"en"}
    assert "de" in languages_of(("Kostenstelle", "Konto", "Ansatz"))
    found = targets(
        read(
            "Department,cap_or_cur,Category,Year,Budget",
            "Parks,CAP,Seeds,2024,1200",
            "Parks,CUR,Tools,2024,300",
            "Police,CUR,Fuel,2024,9000",
        )
    )
    assert found["cap_or_cur"] is None


def test_the_same_letters_are_read_in_the_language_of_the_table(read: Read) -> None:
    german = targets(
        read(
            "Amt;Kostenart;Jahr;Ansatz", "33;Miete;2024;1200", "17;Porto;2024;80", "33;Porto;2024;9"
        )
    )
    english = targets(read("Dept,Item,Year,Amt", "Parks,Seeds,2024,1200", "Police,Fuel,2024,80"))
    assert german["Amt"] == "department"
    assert english["Amt"] == "budgeted_amount"


@pytest.mark.parametrize(
    ("header", "phrase"),
    [("Verantw.", "verantwortlich"), ("Centro di Resp.", "centro di responsabilita")],
)
def test_words_cut_short_are_written_out(header: str, phrase: str) -> None:
    assert phrase in written_out(header)


@pytest.mark.parametrize("header", ["Amount", "No.", "Budget (EUR)"])
def test_nothing_is_made_of_words_that_are_whole_or_too_short(header: str) -> None:
    assert written_out(header) == ()


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("Preço total R$", ("preco", "total")), ("予算額（千円）", ("予算額",)),
        ("План, тыс. руб.", ("план",)), ("Amount (лв)", ("amount",)), ("SEK", ("sek",)),
    ],
)  # fmt: skip
def test_signs_of_money_are_no_words_of_a_header(header: str, words: tuple[str, ...]) -> None:
    assert tokens(header) == words
