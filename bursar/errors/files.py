"""What goes wrong with files and imports."""

from __future__ import annotations

from typing import Any

from bursar.errors.families import BursarError, Conflict, InvalidInput


class UnreadableFile(InvalidInput):
    """The file cannot be read as a table."""

    code = "unreadable_file"


class EmptyFile(UnreadableFile):
    """The file has no rows of data."""

    code = "empty_file"


class FileLimitExceeded(InvalidInput):
    """The file has more rows, columns or inflated bytes than allowed."""

    code = "file_limit_exceeded"


class SheetNotFound(InvalidInput):
    """The workbook has no sheet of this name."""

    code = "sheet_not_found"


class NotABudget(InvalidInput):
    """The file does not look like a budget; import it with force_kind if it is one."""

    code = "not_a_budget"


class MappingIncomplete(InvalidInput):
    """A required field has neither a column nor a default."""

    code = "mapping_incomplete"
    questions: tuple[Any, ...] = ()
    """What is to be answered first, where that is what is missing."""


class MendedFileDiffers(InvalidInput):
    """The file is not the rejected rows of this import with their row numbers."""

    code = "mended_file_differs"


class DuplicateTemplate(Conflict):
    """A mapping template for files with these headers exists; change that one."""

    code = "duplicate_template"


class ReplayDiffers(Conflict):
    """The change alters how the last files are read; see the differences, and accept them."""

    code = "replay_differs"


class SeveralTables(InvalidInput):
    """The sheet holds more than one table."""

    code = "several_tables"


class PlanStale(Conflict):
    """The budgets have changed since this plan was made; plan again."""

    code = "plan_stale"

    @property
    def rows(self) -> list[int]:
        """Some of the rows that no longer fit."""
        rows = self.extra.get("rows")
        return list(rows) if isinstance(rows, list) else []


class BelowUsed(Conflict):
    """Budgets would fall below what is already reserved, committed and spent on them."""

    code = "below_used"


class InvalidImportState(Conflict):
    """The import is not in a state in which this can be done."""

    code = "invalid_import_state"


class RowsRejected(InvalidInput):
    """Rows were rejected and the import is all or nothing, so nothing was loaded."""

    code = "rows_rejected"


class ImportTimedOut(BursarError):
    """A statement of the import took longer than imports may; nothing was loaded."""

    code = "import_timed_out"
