"""What goes wrong with amounts, budgets and the ledger."""

from __future__ import annotations

from bursar.errors.families import Conflict, Forbidden, InvalidInput


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


class PeriodClosed(Conflict):
    """The period of the budget is closed; post to the budget of the open period instead."""

    code = "period_closed"


class DuplicatePeriod(Conflict):
    """A period with this code exists."""

    code = "duplicate_period"


class CountersDisagree(Conflict):
    """The counters of the budget do not follow from its entries; reconcile and fix it first."""

    code = "counters_disagree"


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


class AlreadyCommitted(Conflict):
    """The reservation is an obligation already."""

    code = "already_committed"


class NotCharged(Conflict):
    """Nothing of the reservation was charged, so nothing can be refunded; release it instead."""

    code = "not_charged"


class AlreadyRefunded(Conflict):
    """All that was charged has been refunded already."""

    code = "already_refunded"


class AmountExceedsCharged(Conflict):
    """The amount is more than what was charged and not refunded yet."""

    code = "amount_exceeds_charged"


class NotReversible(Conflict):
    """Entries of this kind are not reversed: transfers have two sides; make one the other way."""

    code = "not_reversible"


class AlreadyReversed(Conflict):
    """The entry has been reversed already."""

    code = "already_reversed"


class SameBudget(InvalidInput):
    """A transfer needs two different budgets."""

    code = "same_budget"


class AlreadyDecided(Conflict):
    """Somebody has decided on this already."""

    code = "already_decided"


class SelfApproval(Forbidden):
    """Nobody approves of what they asked for themselves."""

    code = "self_approval"


class BatchRefused(Conflict):
    """Another item of the batch was refused, so none was posted."""

    code = "batch_refused"


class DuplicateRule(Conflict):
    """A rule for this department and currency exists; change that one."""

    code = "duplicate_rule"


class SigningUnavailable(Conflict):
    """Nothing can be signed here; ask the operator to set BURSAR_SECRETS_KEY."""

    code = "signing_unavailable"
