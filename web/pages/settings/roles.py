"""What roles are called on pages, and what each may do."""

from __future__ import annotations

WORDS = {
    "admin": ("Administrator", "everything, with members, keys and settings"),
    "fpa": ("Analyst", "imports, budgets, top-ups, transfers, sources"),
    "approver": ("Approver", "reads, spends, approves of transfers"),
    "member": ("Member", "reads, asks and spends"),
    "auditor": ("Auditor", "reads everything, downloads evidence, changes nothing"),
    "service": ("Program", "reads, spends and imports"),
    "partner": ("Partner", "nothing yet"),
}
# A partner may do nothing yet, so no page gives that role to anybody.
OF_PEOPLE = ("member", "approver", "fpa", "auditor", "admin")
OF_PROGRAMS = ("service", "member", "approver", "fpa", "auditor", "admin")


def options(roles: tuple[str, ...], kept: str = "") -> list[tuple[str, str]]:
    """Roles to choose from, in words; the one that is kept stays among them."""
    more = (kept,) if kept and kept not in roles else ()
    return [(role, "{}: {}".format(*WORDS[role])) for role in (*roles, *more)]
