"""One tree of errors. Each class has a stable `code`; its docstring is the default message.

The families say what kind of failure it is; `web/problems.py` alone turns a family into an HTTP
status, and `bursar/jobs` alone decides by `Transient` what is tried again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with one place of the input.

    `pointer` is a JSON pointer (`/amount`) or a cell (`Sheet1!F17`); `code` is stable.
    """

    pointer: str
    code: str
    detail: str


class BursarError(Exception):
    """Something went wrong."""

    code: ClassVar[str] = "error"

    def __init__(
        self,
        detail: str = "",
        *,
        faults: Sequence[Fault] = (),
        extra: dict[str, object] | None = None,
    ) -> None:
        self.detail = detail or self.title()
        self.faults = tuple(faults)
        self.extra = extra or {}
        super().__init__(self.detail)

    @classmethod
    def title(cls) -> str:
        """The first sentence of the docstring: what this code means, for a person."""
        return re.sub(r"\s+", " ", (cls.__doc__ or cls.code).split("\n\n")[0]).strip()


# Families -----------------------------------------------------------------------------------------


class InvalidInput(BursarError):
    """The request is understood but its content is not acceptable."""

    code = "invalid_input"


class NotFound(BursarError):
    """There is no such object, or it is not yours."""

    code = "not_found"


class Conflict(BursarError):
    """The request does not fit the present state of the object."""

    code = "conflict"


class Forbidden(BursarError):
    """Your role does not allow this."""

    code = "forbidden"


class Unauthenticated(BursarError):
    """No valid key or session came with the request."""

    code = "unauthenticated"


class TooLarge(BursarError):
    """The upload is larger than allowed."""

    code = "too_large"


class Transient(BursarError):
    """A passing failure; the same call may succeed when tried again."""

    code = "transient"


class Misconfigured(BursarError):
    """The installation is not set up safely, so Bursar refuses to start."""

    code = "misconfigured"


# Money and ledger ---------------------------------------------------------------------------------


class InvalidAmount(InvalidInput):
    """The amount is not a decimal number that this currency can hold."""

    code = "invalid_amount"


class UnknownCurrency(InvalidInput):
    """The currency is not an ISO 4217 code in use."""

    code = "unknown_currency"


class CurrencyMismatch(InvalidInput):
    """The currency differs from the budget's currency."""

    code = "currency_mismatch"


class CurrencyNotAllowed(InvalidInput):
    """The tenant does not keep budgets in this currency."""

    code = "currency_not_allowed"


class InsufficientFunds(Conflict):
    """The budget does not have this much available."""

    code = "insufficient_funds"


class BudgetFrozen(Conflict):
    """The budget is frozen or closed and accepts no postings."""

    code = "budget_frozen"


class DuplicateBudget(Conflict):
    """A budget with the same department, sub-category, period, currency and dimensions exists."""

    code = "duplicate_budget"


class BudgetInUse(Conflict):
    """The budget still holds reservations or commitments; release or charge them first."""

    code = "budget_in_use"


class AlreadyCharged(Conflict):
    """The reservation has already been charged in full."""

    code = "already_charged"


class AlreadyReleased(Conflict):
    """The reservation has already been released or has expired."""

    code = "already_released"


class ReferenceReused(Conflict):
    """The reference already names another reservation with other content."""

    code = "reference_reused"


class AmountExceedsReservation(Conflict):
    """The amount is more than what the reservation still holds."""

    code = "amount_exceeds_reservation"


# Requests -----------------------------------------------------------------------------------------


class IdempotencyKeyRequired(BursarError):
    """This call creates something or moves money, so it needs an Idempotency-Key header."""

    code = "idempotency_key_required"


class IdempotencyKeyReused(InvalidInput):
    """This Idempotency-Key was already used with another request."""

    code = "idempotency_key_reused"


class RequestInProgress(Conflict):
    """A request with this Idempotency-Key is still running."""

    code = "request_in_progress"


class VersionRequired(BursarError):
    """An update needs an If-Match header with the version that was read."""

    code = "version_required"


class VersionStale(BursarError):
    """The object has changed since it was read."""

    code = "version_stale"


class InvalidCursor(InvalidInput):
    """The cursor was not issued by this list."""

    code = "invalid_cursor"


# Files and imports --------------------------------------------------------------------------------


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


# Jobs ---------------------------------------------------------------------------------------------


class JobNotRetriable(Conflict):
    """Only a failed, dead or cancelled job can be tried again."""

    code = "job_not_retriable"


class JobNotCancellable(Conflict):
    """The job has already ended."""

    code = "job_not_cancellable"


class JobCancelled(BursarError):
    """The job was cancelled while it ran."""

    code = "job_cancelled"


class LeaseLost(Transient):
    """Another worker has taken over this job."""

    code = "lease_lost"


def all_errors() -> list[type[BursarError]]:
    """Every error class, for the reference page and the test that holds it complete."""
    found: list[type[BursarError]] = []
    queue: list[type[BursarError]] = [BursarError]
    while queue:
        cls = queue.pop(0)
        found.append(cls)
        queue.extend(cls.__subclasses__())
    return found
