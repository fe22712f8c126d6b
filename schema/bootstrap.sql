-- Roles of Bursar, once for a server; run by an administrator, again without harm.
-- Names in braces are filled in by bootstrap.py; passwords arrive as SCRAM verifiers, so that the
-- words themselves are in no log.

DO $$
BEGIN
    -- Owns the database and everything in it; used by migrations only.
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'bursar_owner') THEN
        CREATE ROLE bursar_owner NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS;
    END IF;
    -- What web and workers log in as: owns nothing and cannot look past row level security.
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'bursar_app') THEN
        CREATE ROLE bursar_app NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS;
    END IF;
    -- Reads everything, for dumps.
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'bursar_backup') THEN
        CREATE ROLE bursar_backup NOSUPERUSER NOCREATEDB NOCREATEROLE BYPASSRLS;
    END IF;
    -- Nobody logs in as this one: it owns the few functions that look across tenants.
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'bursar_system') THEN
        CREATE ROLE bursar_system NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS;
    END IF;
    -- Nor as this one: it owns the functions that alone may write balances and entries.
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'bursar_ledger') THEN
        CREATE ROLE bursar_ledger NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS;
    END IF;
    -- Nor as this one: it owns the functions that alone may write the audit log.
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'bursar_audit') THEN
        CREATE ROLE bursar_audit NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS;
    END IF;

    IF EXISTS (
        SELECT FROM pg_roles
        WHERE rolname IN (
            'bursar_app', 'bursar_owner', 'bursar_system', 'bursar_ledger', 'bursar_audit')
          AND (rolsuper OR rolbypassrls)
    ) THEN
        RAISE EXCEPTION 'A role of Bursar is a superuser or has BYPASSRLS, which makes row level '
            'security void; take that away and run this again.';
    END IF;
END
$$;

ALTER ROLE bursar_owner LOGIN PASSWORD {owner_password};
ALTER ROLE bursar_app LOGIN PASSWORD {app_password};
ALTER ROLE bursar_backup LOGIN PASSWORD {backup_password};
ALTER ROLE bursar_backup SET default_transaction_read_only = on;
GRANT pg_read_all_data TO bursar_backup;

-- Lets a migration hand a function over: ALTER FUNCTION … OWNER TO bursar_system.
GRANT bursar_system, bursar_ledger, bursar_audit TO bursar_owner WITH ADMIN OPTION;
