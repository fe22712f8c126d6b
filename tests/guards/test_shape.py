"""The shape of the code: where things are, how large they get, what they never say.

Needs no database. Each guard is a function of what it looks at, so that a test can show it fail.
"""

from __future__ import annotations

import ast
import fnmatch
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("bursar", "connectors", "ops", "schema", "tasks", "web", "worker")
ROOT_ENTRIES = {
    ".ci", ".dockerignore", ".gitignore", ".pre-commit-config.yaml", "CHANGELOG.md",
    "CONTRIBUTING.md", "Dockerfile", "LICENSE", "Makefile", "README.md", "bench",
    "docker-compose.yml", "docs", "pyproject.toml", "requirements", "tests", *PACKAGES,
}  # fmt: skip
LONGEST_MODULE, LONGEST_FUNCTION = 300, 70
# Written once by a tool, never edited again.
GENERATED = "schema/migrations/versions/*"
FORBIDDEN_NAMES = {"utils", "util", "common", "helpers", "core", "services", "managers", "misc"}
MONEY = (
    "bursar/ledger",
    "bursar/proof",
    "bursar/period_end",
    "bursar/budgets",
    "bursar/money.py",
    "schema",
)


def sources(*tops: str) -> list[Path]:
    found = [path for top in tops for path in _under(ROOT / top)]
    assert found
    return [path for path in found if not fnmatch.fnmatch(name_of(path), GENERATED)]


def _under(place: Path) -> Iterable[Path]:
    return sorted(place.rglob("*.py")) if place.is_dir() else [place]


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def trees() -> Iterator[tuple[str, ast.Module]]:
    for path in sources(*PACKAGES):
        yield name_of(path), ast.parse(path.read_text(encoding="utf-8"))


# Places -------------------------------------------------------------------------------------------


def root_listing() -> set[str]:
    """What lies at the root, without what git is told to ignore."""
    ignored = [
        line.strip().strip("/") for line in (ROOT / ".gitignore").read_text().splitlines()
        if line.strip() and not line.startswith("#")
    ]  # fmt: skip
    return {
        entry.name
        for entry in ROOT.iterdir()
        if entry.name != ".git" and not any(fnmatch.fnmatch(entry.name, p) for p in ignored)
    }


def test_the_root_lists_responsibilities_and_nothing_else() -> None:
    assert root_listing() == ROOT_ENTRIES


def forbidden(names: Iterable[str]) -> set[str]:
    return {name for name in names if FORBIDDEN_NAMES & set(re.split(r"[/.]", name))}


def test_no_folder_or_module_has_a_name_that_says_nothing() -> None:
    names = [name_of(path) for path in (*sources(*PACKAGES), *sources("tests", "bench"))]
    assert forbidden(names) == set()


def test_a_name_that_says_nothing_is_found() -> None:
    names = ["web/utils.py", "bursar/core/money.py", "bursar/scores.py"]
    assert forbidden(names) == {"web/utils.py", "bursar/core/money.py"}


# Sizes --------------------------------------------------------------------------------------------


def long_functions(name: str, tree: ast.Module) -> list[str]:
    return [
        f"{name}: {node.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno + 1 > LONGEST_FUNCTION
    ]


def test_modules_are_short() -> None:
    long = {
        name_of(path) for path in sources(*PACKAGES)
        if len(path.read_text(encoding="utf-8").splitlines()) > LONGEST_MODULE
    }  # fmt: skip
    assert long == set()


def test_functions_are_short() -> None:
    assert [long for name, tree in trees() for long in long_functions(name, tree)] == []


def test_a_long_function_is_found() -> None:
    body = "    pass\n" * LONGEST_FUNCTION
    assert long_functions("x.py", ast.parse(f"def f() -> None:\n{body}")) == ["x.py: f"]
    assert long_functions("x.py", ast.parse("def f() -> None:\n    pass\n")) == []


# Words --------------------------------------------------------------------------------------------


def undocumented(name: str, tree: ast.Module) -> list[str]:
    """Public things without a docstring; what is in a function or a private class is private."""
    missing = [] if ast.get_docstring(tree) else [name]

    def look(body: list[ast.stmt], prefix: str) -> None:
        for node in body:
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                continue
            if node.name.startswith("_"):
                continue
            if ast.get_docstring(node) is None:
                missing.append(f"{prefix}{node.name}")
            if isinstance(node, ast.ClassDef):
                look(node.body, f"{prefix}{node.name}.")

    look(tree.body, f"{name}: ")
    return missing


def test_everything_public_says_what_it_does() -> None:
    assert [gap for name, tree in trees() for gap in undocumented(name, tree)] == []


def test_a_missing_docstring_is_found() -> None:
    text = "class A:\n    'x'\n    def b(self): ...\n    def _c(self): ...\ndef _d(): ...\n"
    assert undocumented("x.py", ast.parse(text)) == ["x.py", "x.py: A.b"]


def float_uses(text: str) -> list[str]:
    """Calls and types of binary numbers; `isinstance(x, float)` refuses them, so it may stay."""
    tree = ast.parse(text)
    called = [n for n in ast.walk(tree) if isinstance(n, ast.Call)]
    found = [f"line {n.lineno}" for n in called if getattr(n.func, "id", "") == "float"]
    names = {"Float", "REAL", "DOUBLE_PRECISION"}
    used = [n for n in ast.walk(tree) if isinstance(n, ast.Name) and n.id in names]
    return found + [f"line {n.lineno}: {n.id}" for n in used]


def test_money_never_passes_through_a_float() -> None:
    found = {name_of(p): float_uses(p.read_text(encoding="utf-8")) for p in sources(*MONEY)}
    assert {name: uses for name, uses in found.items() if uses} == {}
    scripts = "\n".join(path.read_text() for path in (ROOT / "schema").rglob("*.sql"))
    assert re.findall(r"\b(?:float[48]?|double precision|real)\b", scripts, re.IGNORECASE) == []


def test_a_float_would_be_found() -> None:
    assert float_uses("x = float('1.5')\ny: Float = 1\n") == ["line 1", "line 2: Float"]
    assert float_uses("isinstance(x, float)\n") == []


# Packaging ----------------------------------------------------------------------------------------


def test_the_lock_files_name_no_registry() -> None:
    locks = sorted((ROOT / "requirements").glob("*.txt"))
    assert locks
    assert [lock.name for lock in locks if "://" in lock.read_text()] == []
    assert [lock.name for lock in locks if "--hash=sha256:" not in lock.read_text()] == []


def others_owning(owners: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Our top-level names that another distribution brings too."""
    return {
        name: sorted(set(owners[name]) - {"bursar"})
        for name in PACKAGES
        if set(owners.get(name, ())) - {"bursar"}
    }


def test_nobody_else_owns_our_packages() -> None:
    assert others_owning(packages_distributions()) == {}


def test_another_owner_would_be_found() -> None:
    assert others_owning({"web": ["bursar", "web.py"]}) == {"web": ["web.py"]}


def test_the_wheel_lists_exactly_our_packages() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    listed = re.search(r"^packages = \[(.*)\]$", text, flags=re.MULTILINE)
    assert listed is not None
    assert tuple(re.findall(r'"(\w+)"', listed[1])) == PACKAGES


def test_no_two_models_of_the_api_share_a_name() -> None:
    """Their names are those of the document's schemas: the second would stand for the first."""
    names = Counter(
        node.name
        for path in (ROOT / "web" / "api").glob("*.py")
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.ClassDef)
    )
    assert [name for name, times in names.items() if times > 1] == []
