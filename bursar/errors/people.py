"""What goes wrong with members of a tenant."""

from __future__ import annotations

from bursar.errors.families import Conflict, Forbidden


class DuplicateMember(Conflict):
    """Somebody with this e-mail address is a member already."""

    code = "duplicate_member"


class LastAdministrator(Conflict):
    """The tenant would be left without an administrator; make somebody else one first."""

    code = "last_administrator"


class OwnRole(Forbidden):
    """Nobody changes their own role or takes themselves out; another administrator can."""

    code = "own_role"
