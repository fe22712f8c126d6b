"""The end of a period: budgets that start anew, and periods that are closed."""
