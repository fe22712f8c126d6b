"""Jobs: rows in PostgreSQL are the truth; the broker only rings the bell."""
