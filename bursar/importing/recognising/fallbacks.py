"""Fields that no header names well: the most likely column by its values."""

from __future__ import annotations

from bursar.importing.recognising.headers import is_nameless
from bursar.importing.recognising.matching import match_name
from bursar.importing.recognising.measures import sums_of
from bursar.importing.recognising.scoring import LEAST, Score, Table
from bursar.importing.recognising.tongues import languages_of
from bursar.importing.recognising.vocabulary import contains, vocabulary
from bursar.importing.recognising.words import tokens


def with_fallbacks(
    table: Table,
    picks: dict[int, str],
    scores: dict[str, list[Score]],
    taken: set[int],
    closed: set[str],
) -> dict[int, str]:
    """Required fields that no header names: the most likely column by its values."""
    picked = set(picks.values())
    free = [i for i in range(len(table.profiles)) if i not in picks and i not in taken]
    if "budgeted_amount" not in picked | closed:
        amounts = [i for i in free if may_be_money(table, i)]
        if amounts:
            picks = {**picks, _likeliest_amount(table, amounts): "budgeted_amount"}
    if "fiscal_period" not in picked | closed:
        picks = _with_years(table, picks, free)
    if "department" not in picked:
        picks = _with_department(table, picks, scores, free)
    picks = _with_named_account(table, picks, free)
    free = [i for i in free if i not in picks]
    if "sub_category" not in picks.values():
        picks = _with_account_name(table, picks, free)
    if "sub_category" not in picks.values():
        picks = _with_finer_unit(table, picks, scores, free)
    if "sub_category" not in picks.values():
        picks = _with_label(table, picks, free)
    return _with_remarks(table, picks)


def _likeliest_amount(table: Table, amounts: list[int]) -> int:
    """Of amounts that no header tells apart: the total of others on the same row, else the first.

    Columns that repeat their values from row to row are sums of a group, not amounts of a line.
    """
    plain = [i for i in amounts if table.profiles[i].money or table.profiles[i].has_decimals]
    plain = plain or amounts
    most = max(table.profiles[i].distinct for i in plain)
    own = [i for i in plain if table.profiles[i].distinct >= 0.6 * most]
    for i in reversed(own):
        parts = [k for k in range(own[0], i) if table.profiles[k].is_amount]
        if len(parts) >= 2 and sums_of(table.body, parts, i):
            return i
    return own[0]


def _with_years(table: Table, picks: dict[int, str], free: list[int]) -> dict[int, str]:
    """Where no header names a period: the one column whose cells are all years."""
    years = [
        i
        for i in free
        if i not in picks
        and table.profiles[i].years >= 0.97
        and table.profiles[i].filled >= 3
        and not _names_something_else(table.header.names[i])
    ]
    return {**picks, years[0]: "fiscal_period"} if len(years) == 1 else picks


def _with_named_account(table: Table, picks: dict[int, str], free: list[int]) -> dict[int, str]:
    """The names of accounts say more of what for than a column of a few types of expense."""
    category = next((i for i, target in picks.items() if target == "sub_category"), None)
    if category is None:
        return picks
    words = tokens(table.header.names[category])
    if not words or words[-1] not in vocabulary().words["sort_words"]:
        return picks
    others = {i: target for i, target in picks.items() if i != category}
    named = _with_account_name(table, others, free)
    new = next((i for i in named if i not in others), None)
    if new is None or table.profiles[new].distinct <= table.profiles[category].distinct:
        return picks
    return named


def _with_account_name(table: Table, picks: dict[int, str], free: list[int]) -> dict[int, str]:
    """Where a column has the codes of accounts, another one their names: those say what for."""
    account = next((i for i, target in picks.items() if target == "account"), None)
    if account is None or table.profiles[account].is_label:
        return picks
    spoken = languages_of(table.header.names)
    for i in free:
        match = match_name(table.header.names[i], spoken).get("account")
        if match is not None and match.score >= 0.6 and table.profiles[i].is_label:
            return {**picks, i: "sub_category"}
    return picks


def _with_finer_unit(
    table: Table, picks: dict[int, str], scores: dict[str, list[Score]], free: list[int]
) -> dict[int, str]:
    """Where no column is the category: units of a department, which another column names."""
    department = next((i for i, target in picks.items() if target == "department"), None)
    if department is None:
        return picks
    coarse = table.profiles[department].distinct
    finer = [
        i
        for i in free
        if scores["department"][i].confidence >= LEAST
        and table.profiles[i].is_label
        and table.profiles[i].distinct > coarse
    ]
    if not finer:
        return picks
    best = max(finer, key=lambda i: scores["department"][i].confidence)
    return {**picks, best: "sub_category"}


def _with_label(table: Table, picks: dict[int, str], free: list[int]) -> dict[int, str]:
    """Where nothing else says what the amounts are for: a column that calls itself a text."""
    if {"program", "project", "account"} & set(picks.values()):
        return picks
    marks = vocabulary().words["name_marks"]
    labels = [
        i
        for i in free
        if table.profiles[i].is_label
        and table.profiles[i].distinct > 1
        and table.profiles[i].mean_length < 60
        and max(table.profiles[i].kinds, table.profiles[i].units, table.profiles[i].people) < 0.5
        and marks.intersection(tokens(table.header.names[i]))
        and not _names_something_else(table.header.names[i])
    ]
    return {**picks, labels[0]: "sub_category"} if labels else picks


def _with_remarks(table: Table, picks: dict[int, str]) -> dict[int, str]:
    """A description beside the name of a project or programme describes that; it is no category."""
    category = next((i for i, target in picks.items() if target == "sub_category"), None)
    named = any(
        target in ("project", "program") and table.profiles[i].is_label
        for i, target in picks.items()
    )
    if category is None or not named or "notes" in picks.values():
        return picks
    notes = match_name(table.header.names[category]).get("notes")
    if notes is None or notes.score < 0.7 or table.profiles[category].mean_length < 15:
        return picks
    return {**picks, category: "notes"}


def may_be_money(table: Table, index: int) -> bool:
    """Whether a column that no header explains may hold amounts of money."""
    profile, name = table.profiles[index], table.header.names[index]
    if not profile.is_amount or profile.typical_size < 100:
        return False
    last = (tokens(name) or ("",))[-1]
    names_none = last not in vocabulary().words["code_marks"] and not _names_something_else(name)
    return is_nameless(name) or names_none


def _with_department(
    table: Table, picks: dict[int, str], scores: dict[str, list[Score]], free: list[int]
) -> dict[int, str]:
    labels = [
        i
        for i in free
        if table.profiles[i].is_label
        and table.profiles[i].mean_length < 60
        and not _names_something_else(table.header.names[i])
    ]
    unit_like = [i for i in labels if table.profiles[i].departments >= 0.2]
    blank = [i for i in labels if is_nameless(table.header.names[i])]
    category = next((i for i, target in picks.items() if target == "sub_category"), None)
    if unit_like:
        best = max(unit_like, key=lambda i: table.profiles[i].departments)
        return {**picks, best: "department"}
    if category is not None and scores["sub_category"][category].confidence < 0.9:
        # A header such as `Description` says little; what its cells name counts for more.
        profile = table.profiles[category]
        if profile.departments >= 0.5 and profile.departments > profile.items:
            return {**picks, category: "department"}
    if blank and category is None:
        return {**picks, blank[0]: "sub_category"}
    return picks


def _names_something_else(name: str) -> bool:
    strong = max((m.score for m in match_name(name).values()), default=0.0)
    return (
        strong >= 0.6
        or contains(name, "no_measure")
        or contains(name, "income")
        or contains(name, "spoilers")
    )
