"""Import every labelled budget with the command line, and compare what is loaded with the file.

Each file goes through `bursar analyze`, `bursar import --dry-run` and `bursar imports apply`, on a
stack of its own with workers. Where the label says that period or department stand nowhere in the
table, a default is given, and questions about the unit are answered with 1. Count and sum of the
amounts come from bench.corpus_reading, which shares no code with the importer. Files come from a
labelled corpus that is not part of this repository.

usage: python -m bench.corpus CORPUS_DIR [--only ID,ID]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx

from bench.corpus_reading import amounts_of
from bench.stack import BenchStack, running

Answer = dict[str, Any]


class Refused(Exception):
    """The file was not loaded; says why."""


def bursar(home: Path, *arguments: str) -> Answer:
    """What a command answers as JSON. Raises Refused when it fails without an answer."""
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [sys.executable, "-m", "ops.cli", *arguments, "--json"],
        env=env | {"BURSAR_HOME": str(home)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    try:
        answer: Answer = json.loads(done.stdout)
    except ValueError:
        raise Refused((done.stderr or done.stdout).strip()[-300:]) from None
    return answer


def labelled_amounts(label: Answer) -> dict[int, bool]:
    """The columns that may be the budget; True for those that must be."""
    found = {}
    for index, _, targets in label["columns_by_index"]:
        names = [str(target).replace("@header", "") for target in targets]
        if "budgeted_amount" in names:
            found[index] = names == ["budgeted_amount"] and "@header" in str(targets[0])
    return found


def amount_columns(label: Answer, found: Answer) -> list[int]:
    """The columns that were recognised as the budget. Raises Refused unless the label agrees."""
    if found["header_row"] != label["header_row"]:
        raise Refused(f"header in row {found['header_row']}, not {label['header_row']}")
    chosen = [c["index"] for c in found["columns"] if c["target"] == "budgeted_amount"]
    labelled = labelled_amounts(label)
    if not chosen or not set(chosen) <= set(labelled):
        raise Refused(f"columns {chosen} as the budget, not among {sorted(labelled)}")
    return chosen


def options_of(label: Answer, found: Answer) -> list[str]:
    """What a person adds, who knows what the label says."""
    options = ["--sheet", label["sheet"]] if (label.get("n_sheets") or 1) > 1 else []
    if label["period_source"] not in {"col", "header"}:
        options += ["--default", "fiscal_period=FY2025"]
    if label["department_source"] == "none":
        options += ["--default", "department=All"]
    if any(question["kind"] == "unit" for question in found["questions"]):
        options += ["--unit", "1"]
    return options


def load(home: Path, path: Path, label: Answer, tenant: str) -> tuple[Answer, list[int]]:
    """Import one file to its end. Raises Refused."""
    sheet = ["--sheet", label["sheet"]] if (label.get("n_sheets") or 1) > 1 else []
    found = bursar(home, "analyze", str(path), *sheet)
    columns = amount_columns(label, found)
    options = [*options_of(label, found), "--tenant", tenant]
    plan = bursar(home, "import", str(path), "--dry-run", *options)
    if plan["state"] != "planned":
        error = plan["error"] or {}
        raise Refused(f"{plan['state']}: {error.get('detail') or plan['warnings']}")
    run = bursar(home, "imports", "apply", plan["id"], "--tenant", tenant)
    if run["state"] != "completed":
        raise Refused(f"{run['state']}: {run['error']}")
    return run, columns


def loaded_amounts(api: httpx.Client, import_id: str) -> list[Decimal]:
    """The budgets of an import, read back page by page."""
    amounts: list[Decimal] = []
    cursor = None
    while True:
        query = {"import_id": import_id, "limit": 200} | ({"cursor": cursor} if cursor else {})
        page = api.get("/api/v1/budgets", params=query).json()
        amounts += [Decimal(budget["budgeted_amount"]) for budget in page["data"]]
        cursor = page["next_cursor"]
        if cursor is None:
            return amounts


def compare(stack: BenchStack, path: Path, label: Answer) -> tuple[bool, str]:
    """Whether the file was loaded as it is, and a line that says so."""
    name = f"corpus-{label['id']}"
    _, api = stack.tenant(name)
    try:
        run, columns = load(stack.home.path, path, label, name)
    except Refused as why:
        return False, f"- {path.name}: {why}"
    own = list(amounts_of(path, label, columns))
    loaded = loaded_amounts(api, run["id"])
    same = sum(own) == sum(loaded) and len(own) == run["counts"]["total"]
    return same, (
        f"{'=' if same else '!'} {path.name}: {len(own)} amounts of {sum(own)},"
        f" loaded {run['counts']['total']} of {sum(loaded)} in {len(loaded)} budgets"
    )


def main() -> None:
    """Print a line a file: `=` loaded as it is, `!` otherwise, `-` refused, with the reason."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    only = {int(n) for n in options.only.split(",") if n}
    labels = [
        label
        for label in json.loads((options.corpus / "corpus.json").read_text())
        if label["kind"] == "budget" and labelled_amounts(label)
        and (not only or label["id"] in only)
    ]  # fmt: skip
    equal = 0
    with running() as stack:
        for label in labels:
            same, line = compare(stack, options.corpus / "files" / label["file"], label)
            equal += same
            print(line, flush=True)
    print(f"{equal} of {len(labels)} files load to the cent")


if __name__ == "__main__":
    main()
