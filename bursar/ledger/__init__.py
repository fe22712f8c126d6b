"""The ledger: operations, availability and proof. All balances change in SQL functions."""
