"""What goes wrong with sample data."""

from __future__ import annotations

from bursar.errors.families import Conflict, NotFound


class SamplesPresent(Conflict):
    """Sample data is here already; remove it first to load it anew."""

    code = "samples_present"


class SamplesAbsent(NotFound):
    """There is no sample data here."""

    code = "samples_absent"


class SamplesCollide(Conflict):
    """Budgets of your own have the names of sample budgets, so no sample data was loaded."""

    code = "samples_collide"
