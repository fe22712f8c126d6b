"""Budgets: reading, creating and editing them. Their money moves only in the ledger."""
