"""Proving the ledger: counters from entries, chains, seals, evidence, and mending on record."""
