"""Every reason for which a row of a file is refused, with its stable code."""

from __future__ import annotations

from enum import StrEnum


class CellCode(StrEnum):
    """The value is stable; `meaning` is the sentence of the reference page."""

    MISSING_DEPARTMENT = "missing_department"
    MISSING_AMOUNT = "missing_amount"
    MISSING_PERIOD = "missing_period"
    UNKNOWN_PERIOD = "unknown_period"
    NOT_A_NUMBER = "not_a_number"
    AMBIGUOUS_NUMBER_FORMAT = "ambiguous_number_format"
    MIXED_NUMBER_FORMATS = "mixed_number_formats"
    CREDIT_UNCLEAR = "credit_unclear"
    PERCENT_NOT_ALLOWED = "percent_not_allowed"
    FORMULA_ERROR = "formula_error"
    TOO_MANY_DECIMALS = "too_many_decimals"
    AMOUNT_TOO_LARGE = "amount_too_large"
    UNKNOWN_CURRENCY = "unknown_currency"
    CURRENCY_NOT_ALLOWED = "currency_not_allowed"
    CURRENCY_CONFLICT = "currency_conflict"
    TEXT_TOO_LONG = "text_too_long"
    CONTROL_CHARACTER = "control_character"
    EXTRA_CELLS = "extra_cells"

    @property
    def meaning(self) -> str:
        """What is wrong, for a person."""
        return MEANINGS[self]


MEANINGS: dict[CellCode, str] = {
    CellCode.MISSING_DEPARTMENT: "The row names no department.",
    CellCode.MISSING_AMOUNT: "The row has a department but its amount is blank.",
    CellCode.MISSING_PERIOD: "The row names no fiscal period.",
    CellCode.UNKNOWN_PERIOD: "The text names no fiscal period that can be told.",
    CellCode.NOT_A_NUMBER: "The cell is not a finite decimal number.",
    CellCode.AMBIGUOUS_NUMBER_FORMAT: (
        "The column writes only numbers like 1.000, which may mean one or one thousand, or the "
        "cell names a unit, such as 1.5k, where the column is counted in thousands already."
    ),
    CellCode.MIXED_NUMBER_FORMATS: "The cell's separators contradict the rest of its column.",
    CellCode.CREDIT_UNCLEAR: (
        "The amount is marked CR or DR where that does not tell its sign: most of its column is "
        "marked CR, or its currency may count in crores."
    ),
    CellCode.PERCENT_NOT_ALLOWED: "A percentage stands where an amount belongs.",
    CellCode.FORMULA_ERROR: (
        "The cell holds a spreadsheet error such as #REF!, or a formula without a result."
    ),
    CellCode.TOO_MANY_DECIMALS: "The amount has more decimals than its currency.",
    CellCode.AMOUNT_TOO_LARGE: "The amount is larger than can be stored.",
    CellCode.UNKNOWN_CURRENCY: "The currency is not an ISO 4217 code in use.",
    CellCode.CURRENCY_NOT_ALLOWED: "The tenant keeps no budgets in this currency.",
    CellCode.CURRENCY_CONFLICT: "The sign beside the amount says another currency than its row.",
    CellCode.TEXT_TOO_LONG: "The text is longer than can be stored.",
    CellCode.CONTROL_CHARACTER: "The text holds a character that cannot be stored.",
    CellCode.EXTRA_CELLS: "The row has more cells than the header, so values may have shifted.",
}
