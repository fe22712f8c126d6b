"""All tables, so that `Base.metadata` is complete wherever one of them is imported."""

from schema.tables.approvals import ApprovalRule, CheckDecision, TransferRequest
from schema.tables.base import Base
from schema.tables.budgets import Budget, BudgetRecurrence
from schema.tables.imports import ImportRow, ImportRun, StoredFile
from schema.tables.jobs import Heartbeat, Job, JobAttempt, Schedule, ScheduleRun
from schema.tables.ledger import BudgetAccount, Hold, LedgerEntry, PastAccount
from schema.tables.proof import (
    LedgerAcknowledgement,
    LedgerProof,
    LedgerRepair,
    LedgerSeal,
    LedgerSealHead,
    LedgerWatch,
    SigningKey,
)
from schema.tables.records import ActionIdempotency, Alert, AuditLog, Outbox
from schema.tables.sources import Source, SourceFile, SourceRun, SourceSecret
from schema.tables.templates import MappingTemplate, MappingTemplateVersion
from schema.tables.tenants import ApiKey, AppUser, Currency, FiscalPeriod, Membership, Tenant
from schema.tables.views import SavedView
from schema.tables.webhooks import WebhookDelivery, WebhookEndpoint

__all__ = [
    "ActionIdempotency",
    "Alert",
    "ApiKey",
    "AppUser",
    "ApprovalRule",
    "AuditLog",
    "Base",
    "Budget",
    "BudgetAccount",
    "BudgetRecurrence",
    "CheckDecision",
    "Currency",
    "FiscalPeriod",
    "Heartbeat",
    "Hold",
    "ImportRow",
    "ImportRun",
    "Job",
    "JobAttempt",
    "LedgerAcknowledgement",
    "LedgerEntry",
    "LedgerProof",
    "LedgerRepair",
    "LedgerSeal",
    "LedgerSealHead",
    "LedgerWatch",
    "MappingTemplate",
    "MappingTemplateVersion",
    "Membership",
    "Outbox",
    "PastAccount",
    "SavedView",
    "Schedule",
    "ScheduleRun",
    "SigningKey",
    "Source",
    "SourceFile",
    "SourceRun",
    "SourceSecret",
    "StoredFile",
    "Tenant",
    "TransferRequest",
    "WebhookDelivery",
    "WebhookEndpoint",
]
