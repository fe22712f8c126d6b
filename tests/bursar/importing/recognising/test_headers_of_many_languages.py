"""Headers alone, in many languages, abbreviated and misspelt: what each column is."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from bursar.importing.recognising.analysis import analyze

HEADERS = Path(__file__).parents[3] / "files" / "headers.txt"
FIELDS = {
    "D": "department", "S": "sub_category", "P": "fiscal_period", "B": "budgeted_amount",
    "A": "actual_amount", "C": "committed_amount", "K": "account", "G": "program", "J": "project",
    "F": "fund", "O": "owner", "N": "notes", "R": "external_ref", "U": "currency", "-": None,
}  # fmt: skip
# Cells that fit the field and say nothing more, so that the header has to decide.
CELLS: dict[str, tuple[str, ...]] = {
    "D": ("Aster", "Birke", "Aster", "Cedro", "Birke", "Aster"),
    "S": ("Quarz", "Topas", "Opal", "Quarz", "Topas", "Opal"),
    "P": ("2024", "2025", "2024", "2025", "2024", "2025"),
    "B": ("1250.50", "830.00", "14200.25", "310.00", "9900.00", "45.10"),
    "A": ("1100.00", "845.20", "13900.00", "290.00", "9100.75", "40.00"),
    "C": ("120.00", "35.50", "900.00", "20.00", "410.00", "5.00"),
    "K": ("5010", "5020", "5010", "6100", "5020", "5010"),
    "G": ("Lumen", "Lumen", "Nexus", "Nexus", "Orbis", "Orbis"),
    "J": ("Falke", "Adler", "Falke", "Milan", "Adler", "Falke"),
    "F": ("Alpha", "Beta", "Alpha", "Alpha", "Beta", "Beta"),
    "O": ("Ana Lima", "Jo Park", "Ana Lima", "Max Roth", "Jo Park", "Max Roth"),
    "N": ("as agreed in the last meeting", "", "to be split later on", "", "", "see contract"),
    "R": ("X-001", "X-002", "X-003", "X-004", "X-005", "X-006"),
    "U": ("EUR", "EUR", "USD", "EUR", "USD", "EUR"),
    "-": ("12.5", "7.0", "3.2", "8.8", "1.1", "4.0"),
}


def tables() -> list[tuple[str, list[tuple[str, list[str]]]]]:
    found = []
    for line in HEADERS.read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        language, *columns = (part.strip() for part in line.split(";"))
        pairs = [column.rpartition("=") for column in columns]
        found.append((language, [(header, letters.split("/")) for header, _, letters in pairs]))
    return found


def misread(folder: Path, columns: list[tuple[str, list[str]]]) -> list[str]:
    path = folder / "table.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([header for header, _ in columns])
        writer.writerows(zip(*(CELLS[letters[0]] for _, letters in columns), strict=True))
    mapped = analyze(path, path.name).columns
    return [
        f"{header}: {column.target}"
        for (header, letters), column in zip(columns, mapped, strict=True)
        if column.target not in [FIELDS[letter] for letter in letters]
    ]


def test_nineteen_of_twenty_tables_are_read_right(tmp_path: Path) -> None:
    every = tables()
    wrong = {
        f"{language}; {'; '.join(header for header, _ in columns)}": found
        for language, columns in every
        if (found := misread(tmp_path, columns))
    }
    assert len(every) >= 200
    assert len(wrong) <= len(every) // 20, "\n".join(f"{k}\n    {v}" for k, v in wrong.items())


@pytest.mark.parametrize("language", sorted({language for language, _ in tables()}))
def test_no_language_is_forgotten(tmp_path: Path, language: str) -> None:
    of_it = [columns for code, columns in tables() if code == language]
    assert any(not misread(tmp_path, columns) for columns in of_it)
