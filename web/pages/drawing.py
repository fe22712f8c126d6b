"""How states, shares and choices are written on pages, and what templates know of all that."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from flask import Flask
from markupsafe import Markup

from bursar.importing.recognising.vocabulary import TARGETS
from web.pages.figures import difference, file_size, money, number, percent
from web.pages.moments import ago, ahead, clock, day_or_moment, lasting, moment, stamp

_FIELDS = re.compile(rf"(['\"]).*?\1|\b(?:{'|'.join(t for t in TARGETS if '_' in t)})\b")
# State → (word, tone, shape). The shape says the same as the colour to those who see none.
STATES: dict[str, tuple[str, str, str]] = {
    "received": ("Waiting for a worker", "busy", "clock"),
    "profiled": ("Reading", "busy", "clock"),
    "awaiting_mapping": ("Needs your mapping", "warn", "triangle"),
    "planned": ("Planned, not applied", "busy", "clock"),
    "applying": ("Applying", "busy", "clock"),
    "completed": ("Completed", "good", "check"),
    "completed_with_errors": ("Completed, rows rejected", "warn", "triangle"),
    "failed": ("Failed", "bad", "cross"),
    "cancelled": ("Cancelled", "calm", "dash"),
    "undone": ("Undone", "calm", "dash"),
    "queued": ("Waiting for a worker", "busy", "clock"),
    "running": ("Running", "busy", "clock"),
    "retrying": ("Will be tried again", "warn", "triangle"),
    "succeeded": ("Done", "good", "check"),
    "dead": ("Given up", "bad", "cross"),
    "open": ("Open", "warn", "triangle"),
    "acknowledged": ("Seen", "busy", "clock"),
    "resolved": ("Resolved", "good", "check"),
    "info": ("For information", "calm", "dash"),
    "warning": ("Warning", "warn", "triangle"),
    "critical": ("Critical", "bad", "cross"),
    "active": ("Active", "good", "check"),
    "frozen": ("Frozen", "warn", "triangle"),
    "period_closed": ("Period closed", "warn", "triangle"),
    "finalized": ("Finalized", "calm", "dash"),
    "archived": ("Archived", "calm", "dash"),
    "create": ("Create", "good", "plus"),
    "update": ("Update", "busy", "triangle"),
    "unchanged": ("Unchanged", "calm", "dash"),
    "rejected": ("Rejected", "bad", "cross"),
    "partial": ("Some files were bad", "warn", "triangle"),
    "skipped": ("Not taken", "calm", "dash"),
    "settling": ("May still grow", "busy", "clock"),
    "ready": ("About to be taken", "busy", "clock"),
    "taken": ("Here, next in line", "busy", "clock"),
    "importing": ("Being imported", "busy", "clock"),
    "waiting": ("Waits for somebody", "warn", "triangle"),
    "imported": ("Imported", "good", "check"),
    "healthy": ("Healthy", "good", "check"),
    "failing": ("Failing", "bad", "cross"),
    "held": ("Held, keeps failing", "bad", "cross"),
    "resting": ("Resting", "calm", "dash"),
    "stale": ("Late or changed", "warn", "triangle"),
    "untried": ("Not run yet", "calm", "dash"),
    "on_time": ("On time", "good", "check"),
    "late": ("Late", "bad", "cross"),
    "paused": ("Paused", "warn", "triangle"),
    "down": ("Down", "bad", "cross"),
    "pending": ("Will be sent", "busy", "clock"),
    "delivered": ("Delivered", "good", "check"),
}
# What goes along when a period ends.
ROLLOVER_WORDS = {
    "reset": "Nothing goes along",
    "carry_unspent": "What is left goes along",
    "carry_commitments": "Open reservations go along with their money",
    "carry_deficit": "A deficit goes along",
    "carry_all": "What is left, open reservations and a deficit go along",
}
_UNKNOWN = ("calm", "dash")


def state_of(name: str) -> tuple[str, str, str]:
    """Word, tone and shape of a state; an unknown one is its own word."""
    return STATES.get(name, (phrase(name), *_UNKNOWN))


def planned_of(name: str) -> tuple[str, str, str]:
    """As `state_of`, for a budget: there, planned means something else."""
    return ("Planned", "calm", "dash") if name == "planned" else state_of(name)


def phrase(code: str) -> str:
    """`hard_cap_near` as "Hard cap near"."""
    words = code.replace("_", " ").replace(".", " ")
    return words[:1].upper() + words[1:]


def breakable(name: str) -> Markup:
    """The name of a file, which may go on in a new line after its marks only."""
    return Markup("<wbr>").join(re.split(r"(?<=[_.-])(?=\w)", name))


def in_words(text: str) -> str:
    """A sentence of an import with fields as the pages call them, and columns as the file does."""
    return _FIELDS.sub(lambda f: f[0] if f[1] else f"“{phrase(f[0])}”", text)


def prose(text: str) -> Markup:
    """Text of the API's description, where backticks mark code."""
    parts = text.replace("<br/>", " ").strip().split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if i % 2 else part for i, part in enumerate(parts)
    )


def job_kind(kind: str) -> str:
    """What a job does, in words."""
    known = {
        "imports.run": "Import a file",
        "imports.apply": "Apply a previewed import",
        "imports.undo": "Undo an import",
        "sources.sync": "Look at a source",
        "periods.reset": "Start budgets anew",
        "periods.close": "Close a period",
        "alerts.forecast": "Look ahead at budgets",
        "ledger.reconcile": "Reconcile the ledger",
        "ledger.seal": "Seal the ledger",
        "samples.spend": "Use sample budgets",
        "samples.remove": "Remove sample data",
    }
    return known.get(kind, phrase(kind))


def actor(text: str, names: Mapping[str, str] | None = None) -> str:
    """Who did it: by name where that is known, without the id that only machines know."""
    if names and text in names:
        return names[text]
    kind = text.partition(":")[0]
    known = {"user": "A member", "key": "An API key", "system": "Bursar"}
    if kind == "source":
        return f"Source {text.partition(':')[2]}"
    return known.get(kind, phrase(kind))


def rollover(name: str) -> str:
    """What goes along, within a sentence."""
    words = ROLLOVER_WORDS[name]
    return words[:1].lower() + words[1:]


def confidence(value: float) -> str:
    """How sure a proposal is, in words."""
    for least, word in ((0.9, "certain"), (0.75, "likely"), (0.55, "plausible")):
        if value >= least:
            return word
    return "a guess"


def answer(asked: tuple[str, object]) -> str:
    """A choice of a question about the file, in words."""
    kind, choice = asked
    if kind == "decimal_mark":
        return {".": "The point marks decimals", ",": "The comma marks decimals"}[str(choice)]
    if kind == "unit":
        return "As they stand" if choice == 1 else f"In units of {number(str(choice))}"
    if kind == "parents":
        return {"leave_out": "Leave them out", "load": "Load them too"}[str(choice)]
    return phrase(str(choice))


@dataclass(frozen=True, slots=True)
class Utilization:
    """A bar of what is used of a budget; lengths are of 100, and `words` says it all."""

    words: str
    tone: str
    spent: float
    committed: float
    reserved: float
    caps: tuple[float, ...]


def utilization(row: Any) -> Utilization | None:
    """The bar of a row of `budget_balance`, or of a sum, which has no caps of its own.

    None where nothing was authorized to be used.
    """
    used: Decimal | None = row.utilization_percent
    if used is None:
        return None
    said, tone = f"{percent(used)} used", "good"
    soft_cap, approach = getattr(row, "soft_cap_pct", None), getattr(row, "approach_pct", None)
    if used > 100:
        said, tone = f"{said}, over budget", "bad"
    elif approach is not None and used >= approach:
        said, tone = f"{said}, close to the hard cap", "bad"
    elif soft_cap is not None and used >= soft_cap:
        said, tone = f"{said}, soft cap passed", "warn"
    scale = 100 / float(max(row.authorized, row.used))
    spent, committed, reserved = (
        max(0.0, float(part) * scale) for part in (row.spent, row.committed, row.reserved)
    )
    caps = tuple(float(cap) for cap in (soft_cap, approach) if cap is not None)
    return Utilization(said, tone, spent, committed, reserved, caps)


def install(app: Flask) -> None:
    """Teach the templates these words."""
    app.jinja_env.filters.update(
        actor=actor,
        ago=ago,
        ahead=ahead,
        clock=clock,
        lasting=lasting,
        answer=answer,
        prose=prose,
        job_kind=job_kind,
        phrase=phrase,
        in_words=in_words,
        breakable=breakable,
        number=number,
        money=money,
        difference=difference,
        moment=moment,
        day_or_moment=day_or_moment,
        file_size=file_size,
        rollover=rollover,
        confidence=confidence,
        utilization=utilization,
        stamp=stamp,
        state=state_of,
        budget_state=planned_of,
    )
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
