"""A tenant's own words for kinds of file: what its exports and forms call themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import flag_modified

from bursar.errors import Fault, InvalidInput
from bursar.importing.recognising.vocabulary import KINDS
from bursar.importing.recognising.words import normalise
from bursar.tenants import hold_tenant
from schema.tables import Tenant

MOST_WORDS = 100


def kind_keywords(tenant: Tenant) -> dict[str, list[str]]:
    """The tenant's words by kind of file."""
    return dict(tenant.settings.get("kind_keywords") or {})


def set_kind_keywords(
    session: Session, tenant: Tenant, keywords: Mapping[str, Sequence[str]]
) -> dict[str, list[str]]:
    """Replace the tenant's words. Raises InvalidInput."""
    kept = require_keywords(keywords)
    hold_tenant(session)  # which reads its other settings anew
    tenant.settings = {**tenant.settings, "kind_keywords": kept}
    flag_modified(tenant, "settings")
    session.flush()
    return kept


def require_keywords(keywords: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """The words in order, each once. Raises InvalidInput for kinds that do not exist, and words
    without a letter.
    """
    faults = []
    kept: dict[str, list[str]] = {}
    for kind, words in keywords.items():
        if kind not in KINDS:
            detail = f"{kind!r} is no kind of file; there are {', '.join(KINDS)}."
            faults.append(Fault(f"/keywords/{kind}", "unknown_kind", detail))
        if len(words) > MOST_WORDS:
            detail = f"At most {MOST_WORDS} words a kind."
            faults.append(Fault(f"/keywords/{kind}", "too_many_words", detail))
        faults += [
            Fault(f"/keywords/{kind}", "empty_word", f"{word!r} has no letter or digit.")
            for word in words
            if not normalise(word)
        ]
        kept[kind] = list(dict.fromkeys(word.strip() for word in words))
    if faults:
        raise InvalidInput("The keywords cannot be kept.", faults=faults)
    return kept
