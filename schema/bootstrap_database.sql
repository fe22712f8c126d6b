-- The empty database of Bursar: who may come in and what they may make. Run inside it, by an
-- administrator, again without harm.

ALTER DATABASE {database} OWNER TO bursar_owner;
ALTER DATABASE {database} SET timezone TO 'UTC';
REVOKE ALL ON DATABASE {database} FROM PUBLIC;
GRANT CONNECT ON DATABASE {database} TO bursar_app, bursar_backup;
-- Imports copy into a temporary table first: COPY cannot write through row level security.
GRANT TEMPORARY ON DATABASE {database} TO bursar_ledger, bursar_app;

ALTER SCHEMA public OWNER TO bursar_owner;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public
    TO bursar_app, bursar_backup, bursar_system, bursar_ledger, bursar_audit;
-- PostgreSQL asks this of whoever is to own a function in the schema.
GRANT CREATE ON SCHEMA public TO bursar_system, bursar_ledger, bursar_audit;
