"""What pages point to is there: links, trials, files, commands, addresses. Needs no database."""

from __future__ import annotations

import re
from pathlib import Path

import typer
from flask import Flask

from ops.cli import command_line
from tests.guards.reading import DOCS, PACKAGES, ROOT, commands, page, pages

# Links --------------------------------------------------------------------------------------------


def anchors(text: str) -> set[str]:
    """The anchors that a page's headings get."""
    headings = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", heading.replace("`", "")) for heading in headings)
    return {heading.strip().lower().replace(" ", "-") for heading in plain}


def broken_links(source: Path, text: str) -> list[str]:
    broken = []
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        place = (source.parent / name).resolve() if name else source
        missing = not place.exists()
        if missing or (anchor and anchor not in anchors(place.read_text(encoding="utf-8"))):
            broken.append(f"{source.relative_to(ROOT)}: {target}")
    return broken


def test_every_link_between_pages_leads_somewhere() -> None:
    found = [link for path in pages() for link in broken_links(path, path.read_text())]
    assert found == []


def test_a_broken_link_and_a_broken_anchor_are_found() -> None:
    readme = ROOT / "README.md"
    text = "[a](docs/nowhere.md) [b](docs/README.md#nowhere) [c](docs/README.md)"
    assert len(broken_links(readme, text)) == 2


def test_the_index_links_every_page() -> None:
    index = page("README.md")
    missing = [
        str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md")
        if path != DOCS / "README.md" and f"]({path.relative_to(DOCS)})" not in index
    ]  # fmt: skip
    assert missing == []


def test_every_decision_says_context_decision_and_consequences() -> None:
    decisions = sorted((DOCS / "adr").glob("*.md"))
    assert [path.name[:4] for path in decisions] == [
        f"{n:04}" for n in range(1, len(decisions) + 1)
    ]
    for path in decisions:
        headings = re.findall(r"^## (.+)$", path.read_text(), flags=re.MULTILINE)
        assert headings == ["Context", "Decision", "Consequences"], path.name


def trials_named(text: str) -> set[tuple[str, str]]:
    return set(re.findall(r"(tests/[\w/]+\.py)::(\w+)", text))


def test_every_trial_that_a_guarantee_names_exists() -> None:
    named = trials_named((ROOT / "README.md").read_text()) | trials_named(page("guarantees.md"))
    assert named
    missing = [
        f"{path}::{name}" for path, name in sorted(named)
        if not (ROOT / path).is_file()
        or not re.search(rf"^ *def {name}\(", (ROOT / path).read_text(), flags=re.MULTILINE)
    ]  # fmt: skip
    assert missing == []


# What pages tell people to type -------------------------------------------------------------------


def typed() -> list[tuple[str, str]]:
    """Every line of the code blocks of all pages, joined where a backslash goes on."""
    found = []
    for path in pages():
        text = path.read_text(encoding="utf-8").replace("\\\n", " ")
        for block in re.findall(r"^ *```sh\n(.*?)^ *```", text, flags=re.MULTILINE | re.DOTALL):
            found += [(str(path.relative_to(ROOT)), line.strip()) for line in block.splitlines()]
    return found


def unknown_commands(lines: list[tuple[str, str]]) -> list[str]:
    """Commands and options of `bursar` in these lines that do not exist."""
    known = dict(commands(typer.main.get_command(command_line())))
    wrong = []
    for place, line in lines:
        for call in re.findall(r"(?:^|[ (]|/bin/)bursar ([a-z][^#|)]*)", line):
            words = call.split()
            name = next((n for n in (2, 1) if f"bursar {' '.join(words[:n])}" in known), 0)
            options = set(re.findall(r"(?<=\s)--[a-z-]+", call))
            if not name or options - known[f"bursar {' '.join(words[:name])}"]:
                wrong.append(f"{place}: bursar {call.strip()}")
    return wrong


def test_every_command_that_a_page_tells_to_type_exists() -> None:
    lines = typed()
    assert len(lines) > 50
    assert unknown_commands(lines) == []


def test_a_command_that_does_not_exist_is_found() -> None:
    lines = [
        ("x", "bursar backup"),
        ("x", "bursar verify --fast"),
        ("x", ".venv/bin/bursar verify"),
    ]
    assert unknown_commands(lines) == ["x: bursar backup", "x: bursar verify --fast"]


def test_every_address_of_the_api_that_a_page_names_exists(web: Flask) -> None:
    rules = [rule.rule for rule in web.url_map.iter_rules() if rule.rule.startswith("/api/")]
    known = [re.compile(re.sub(r"<[^>]+>", "[^/]+", rule)) for rule in rules]
    named = {
        (str(path.relative_to(ROOT)), address)
        for path in pages()
        for address in re.findall(
            r"(/api/v1/[\w{}$/-]+\w\}?)",
            path.read_text(encoding="utf-8").replace("$API", "/api/v1"),
        )
    }
    assert len(named) > 30
    assert {n for n in named if not any(pattern.fullmatch(n[1]) for pattern in known)} == set()


def test_every_metric_is_described() -> None:
    text = page("how-to/run-unattended.md")
    source = "".join(
        (ROOT / name).read_text() for name in ("bursar/metrics.py", "web/api/health.py")
    )
    names = re.findall(r"(?:Counter|Histogram|Gauge)\(\s*\"(\w+)\"", source)
    assert len(names) >= 5
    assert [name for name in names if f"`{name}" not in text] == []


def test_paths_in_code_spans_exist() -> None:
    """A page that names a file of ours names one that is there."""
    tops = "|".join((*PACKAGES, "tests", "bench", "docs", "requirements"))
    named = re.compile(rf"`((?:{tops})/[\w./-]*\.(?:py|sql|sh|md|txt|csv|toml))`")
    wrong = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in pages()
        for name in named.findall(path.read_text(encoding="utf-8"))
        if not (ROOT / name).exists()
    ]
    assert wrong == []


def test_make_targets_in_the_docs_exist() -> None:
    known = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    text = "\n".join(path.read_text(encoding="utf-8") for path in pages())
    named = set(re.findall(r"(?:`|^)make ([a-z]+)", text, flags=re.MULTILINE))
    assert named - known == set()
