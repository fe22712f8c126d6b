"""How the analysis of a file looks on the wire."""

from __future__ import annotations

from uuid import UUID

from web.api.wire import Out


class ColumnOut(Out):
    """What one column means, and why."""

    index: int
    header: str
    target: str | None
    confidence: float
    reason: str
    samples: list[str]
    period: str | None = None


class DetectionOut(Out):
    """What the file is."""

    kind: str
    confidence: float
    budget_confidence: float
    warnings: list[str]


class ConstantOut(Out):
    """A value that title, sheet or file name gives for every row."""

    value: str
    origin: str


class QuestionOut(Out):
    """Something the file leaves open, to be answered by an import's field of the same kind."""

    kind: str
    column: str | None
    detail: str
    choices: list[str | int]


class AnalysisOut(Out):
    """What was recognised of a file."""

    file_id: UUID
    file_name: str
    sheets: list[str]
    sheet: str | None
    header_row: int | None
    headers: list[str]
    sample_rows: list[list[str]]
    total_rows: int
    layout: str | None
    columns: list[ColumnOut]
    detection: DetectionOut
    constants: dict[str, ConstantOut]
    missing_required: list[str]
    can_proceed: bool
    questions: list[QuestionOut]
    template_id: UUID | None
