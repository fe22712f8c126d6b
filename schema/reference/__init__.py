"""Reference data that the database and the rules share."""

import csv
from importlib.resources import files


def currency_exponents() -> dict[str, int]:
    """ISO 4217 list one (active codes): number of decimals by code."""
    text = files(__package__).joinpath("currencies.csv").read_text(encoding="ascii")
    return {row["code"]: int(row["exponent"]) for row in csv.DictReader(text.splitlines())}
