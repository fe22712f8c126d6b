"""Write a budget of N valid rows to standard output, each with a key of its own.

usage: python3 bench/generate_large_budget.py --rows 1000 > large.csv
"""

from __future__ import annotations

import argparse
import csv
import random
import sys

DEPARTMENTS = ("Engineering", "Marketing", "Operations", "Finance", "Legal", "Sales", "Support")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["Department", "Sub Category", "Fiscal Period", "Budgeted Amount", "Currency"])
    for n in range(options.rows):
        unit = f"{DEPARTMENTS[n % len(DEPARTMENTS)]} {n // 700:04d}"
        amount = f"{chance.randrange(100, 10_000_000) / 100:.2f}"
        writer.writerow([unit, f"Category {n % 700:03d}", "FY2025", amount, "USD"])


if __name__ == "__main__":
    main()
