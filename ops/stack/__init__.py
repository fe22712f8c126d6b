"""The embedded stack: PostgreSQL, Valkey and Bursar's own processes on one machine, no Docker."""
