"""Import every labelled budget with the command line, and compare what is loaded with the file.

Each file goes through `bursar analyze`, `bursar import --dry-run` and `bursar imports apply`, on a
stack of its own with workers. What a person has to add is added and printed: a default where period
or department stand nowhere in the table, the unit 1, rows that are sums, and which column is meant,
where they are asked about, columns of no calendar period left out, rows without an amount skipped.
Count and sum of the amounts come from bench.corpus_reading, which shares no code with the importer.
Files come from a labelled corpus that is not part of this repository.

usage: python -m bench.corpus CORPUS_DIR [--only ID,ID]
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx

from bench.corpus_reading import amounts_of
from bench.stack import BenchStack, running

Answer = dict[str, Any]
_CALENDAR = re.compile(r"FY\d{4}.*|\d{4}-\d\d|.*Q[1-4].*|\d{4}-H[12]")


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
    # Of several revisions of one period the last one counts; those of no calendar are left out.
    periods = {c.get("period"): c["index"] for c in found["columns"] if c["index"] in chosen}
    return [i for period, i in periods.items() if period is None or _CALENDAR.fullmatch(period)]


def options_of(label: Answer, found: Answer) -> list[str]:
    """What a person adds, who knows what the label says."""
    options = ["--sheet", label["sheet"]] if (label.get("n_sheets") or 1) > 1 else []
    if label["period_source"] not in {"col", "header"}:
        options += ["--default", "fiscal_period=FY2025"]
    if label["department_source"] == "none" or "blank_dims" in label["flags"]:
        options += ["--default", "department=All"]
    if any(question["kind"] == "unit" for question in found["questions"]):
        options += ["--unit", "1"]
    if any(question["kind"] == "parents" for question in found["questions"]):
        options += ["--parents", "load"]  # the other reading adds up every row
    asked = {c for q in found["questions"] if q["kind"] == "column" for c in q["choices"]}
    for column in found["columns"]:
        if column["header"] in asked and column["target"] == "budgeted_amount":
            options += ["--map", f"{column['header']}=budgeted_amount"]  # the label agrees to it
        is_budget = column["target"] == "budgeted_amount" and "period" in column
        if is_budget and not _CALENDAR.fullmatch(column["period"]):
            options += ["--map", f"{column['header']}="]
    return options


def remedy(api: httpx.Client, run: Answer) -> tuple[str, ...]:
    """What a person does about a refusal; nothing where the file itself must change."""
    detail = (run["error"] or {}).get("detail") or " ".join(run["warnings"])
    if "gives department" in detail:
        return ("--default", "department=All")
    if "gives fiscal_period" in detail:
        return ("--default", "fiscal_period=FY2025")
    if "no budgets are kept in it" in detail:
        return ("--default", "currency=USD")
    if run["counts"]["rejected"]:
        codes = {code for code, _ in reasons(api, run)}
        if codes == {"missing_department"}:
            return ("--default", "department=All")
        if codes == {"missing_amount"}:
            return ("--mode", "skip_errors")
    return ()


def reasons(api: httpx.Client, run: Answer) -> list[tuple[str, int]]:
    """Why rows were rejected, by the first of them, the most frequent first."""
    faults = api.get(f"/api/v1/imports/{run['id']}/errors", params={"limit": 200}).json()["data"]
    return Counter(fault["code"] for fault in faults).most_common()


def load(
    home: Path, api: httpx.Client, path: Path, label: Answer, tenant: str
) -> tuple[Answer, list[int], str]:
    """Import one file to its end. Returns the import, its amount columns and what a person had to
    add. Raises Refused.
    """
    sheet = ["--sheet", label["sheet"]] if (label.get("n_sheets") or 1) > 1 else []
    found = bursar(home, "analyze", str(path), *sheet)
    columns = amount_columns(label, found)
    options = options_of(label, found)
    while True:
        plan = bursar(home, "import", str(path), "--dry-run", *options, "--tenant", tenant)
        is_whole = "skip_errors" in options or not plan["counts"]["rejected"]
        if plan["state"] == "planned" and is_whole:
            break
        more = remedy(api, plan)
        if not more or set(more) <= set(options):
            why = (plan["error"] or {}).get("detail") or plan["warnings"]
            raise Refused(f"{plan['state']}: {why} {reasons(api, plan) or ''}")
        options += more
    run = bursar(home, "imports", "apply", plan["id"], "--tenant", tenant)
    if not run["state"].startswith("completed"):
        raise Refused(f"{run['state']}: {run['error']}")
    return run, columns, " ".join(options)


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
        run, columns, options = load(stack.home.path, api, path, label, name)
    except Refused as why:
        return False, f"- {path.name}: {why}"
    own = list(amounts_of(path, label, columns))
    loaded = loaded_amounts(api, run["id"])
    rejected = run["counts"]["rejected"]
    count = run["counts"]["total"] - rejected
    same = sum(own) == sum(loaded) and len(own) == count
    return same, (
        f"{'=' if same else '!'} {path.name}: {len(own)} amounts of {sum(own)},"
        f" loaded {count} of {sum(loaded)} in {len(loaded)} budgets"
        + (f", {rejected} rows without an amount left out" if rejected else "")
        + (f" ({options})" if options else "")
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
