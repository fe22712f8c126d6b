"""Reading the ledger for people: spans of time, reports, exports, forecasts. Moves no money."""
