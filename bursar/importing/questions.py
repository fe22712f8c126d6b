"""What a file leaves open, asked rather than guessed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Question:
    """One thing to say about a file. `kind` is decimal_mark, date_order or unit; `column` is the
    header it is about, None where it is about the whole table.
    """

    column: str | None
    kind: str
    detail: str
    choices: tuple[str | int, ...]

    def to_wire(self) -> dict[str, object]:
        """JSON-ready."""
        return {
            "column": self.column,
            "kind": self.kind,
            "detail": self.detail,
            "choices": list(self.choices),
        }
