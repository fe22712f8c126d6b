"""What forms say: texts that can be kept, what was typed, and what is wrong with which field."""

from __future__ import annotations

import re

from flask import request

from bursar.errors import BursarError, Fault, InvalidAmount, InvalidInput, UnknownCurrency
from web.api.reservations_wire import may_override
from web.pages import figures

# Digits in groups of three, as pages write them, all parted by the same sign.
_GROUPED = re.compile(r"-?[0-9]{1,3}(?:([, \u00a0\u202f])[0-9]{3})(?:\1[0-9]{3})*(?:\.[0-9]+)?")
# One mark with three digits behind it: thousands to some languages, decimals to others.
_UNCLEAR = re.compile(r"(-?[1-9][0-9]{0,2})[.,]([0-9]{3})")
_FIELD_OF: dict[type[BursarError], str] = {InvalidAmount: "amount", UnknownCurrency: "currency"}


def written(name: str, label: str, *, most: int = 200, required: bool = True) -> str:
    """The text of a field, without blanks around it. Raises InvalidInput."""
    text = _lines(request.form.get(name, "")).strip()
    if "\0" in text:
        raise refused(name, "unstorable_text", "It holds a NUL character; type it again.")
    if required and not text:
        raise refused(name, "missing", f"{label} is needed.")
    if len(text) > most:
        raise refused(name, "too_long", f"{label} has at most {most} characters.")
    return text


def amount() -> str:
    """What the field `amount` says, for those who read amounts. Raises InvalidInput.

    Where the pages write decimals behind a comma, "1.250" and "1,250" are refused, for nobody can
    know which of two amounts is meant; what a form was drawn with stays as it is.
    """
    text = written("amount", "An amount", most=40).replace("\u2212", "-")
    found = _UNCLEAR.fullmatch(text)
    if found and figures.decimal_mark() == "," and text != request.form.get("was_amount"):
        said = f"Write {found[1]}{found[2]} or {found[1]}.{found[2]}0, so that it is clear."
        raise refused("amount", "unclear_amount", said)
    return _plain(text)


def override() -> str | None:
    """Why a limit may be passed; None where nobody says so. Raises InvalidInput, Forbidden."""
    return may_override(written("override", "A reason", most=500, required=False) or None)


def version() -> int:
    """The version that the form was drawn from; 0, which nothing has, where it names none."""
    text = request.form.get("version", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0


def typed(**kept: object) -> dict[str, str]:
    """What each field shows: what was typed, else what is kept."""
    if request.method == "POST":
        return {name: _lines(text) for name, text in request.form.items()}
    return {name: str(value) for name, value in kept.items() if value is not None}


def wrong(refusal: BursarError | None) -> dict[str, str]:
    """What is wrong, by field."""
    if refusal is None:
        return {}
    said = {fault.pointer.rpartition("/")[2]: fault.detail for fault in refusal.faults}
    for kind, name in _FIELD_OF.items():
        if isinstance(refusal, kind):
            said.setdefault(name, refusal.detail)
    return said


def refused(name: str, code: str, words: str) -> InvalidInput:
    """The refusal of one field."""
    return InvalidInput(words, faults=[Fault(f"/{name}", code, words)])


def _lines(text: str) -> str:
    """A text with its lines ended as they are kept; browsers send them otherwise."""
    return text.replace("\r\n", "\n")


def _plain(text: str) -> str:
    """An amount as it was typed, without the signs that part its thousands.

    Only whole groups of three are taken for thousands, so that "1,5" is never read as 15: that
    stays as it is, and is refused where amounts are read.
    """
    found = _GROUPED.fullmatch(text)
    return text.replace(found[1], "") if found else text
