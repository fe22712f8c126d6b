"""The database: tables, migrations, and the SQL of functions, triggers, policies and views."""
