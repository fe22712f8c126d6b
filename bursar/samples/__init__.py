"""Sample data: believable budgets to look around in, loaded at one press and removed at another."""
