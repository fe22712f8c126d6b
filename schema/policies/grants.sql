-- Least privilege. The application role owns nothing, deletes almost nothing, and cannot touch a
-- balance or an entry except through the functions of the ledger.

revoke all on all tables in schema public from public, bursar_app, bursar_ledger, bursar_system;
grant usage on schema public to bursar_app, bursar_backup, bursar_ledger, bursar_system;

grant select on all tables in schema public to bursar_app, bursar_backup;
revoke select on app_user from bursar_app;

grant insert, update on
  tenant, membership, api_key, fiscal_period, budget, stored_file, import_run, import_row,
  job, job_attempt, action_idempotency, outbox, alert, heartbeat, schedule, schedule_run,
  mapping_template, source, source_secret, source_run, source_file,
  webhook_endpoint, webhook_delivery, approval_rule, budget_recurrence, transfer_request,
  saved_view
  to bursar_app;
grant insert on ledger_seal, ledger_seal_head, signing_key to bursar_app;
grant update (ciphertext, key_id) on signing_key to bursar_app;
grant insert on ledger_watch to bursar_app;
grant update (reconciled_at, reconciled, sealed_at) on ledger_watch to bursar_app;
grant insert on check_decision, mapping_template_version to bursar_app;
grant delete on import_row, action_idempotency, schedule_run, source_secret, saved_view
  to bursar_app;

-- The account row's caps may be edited; its counters, sequence and head may not.
grant update (control_mode, soft_cap_pct, approach_pct, tolerance_pct, hard_cap_amount, frozen)
  on budget_account to bursar_app;

grant select, insert, update on budget_account, hold to bursar_ledger;
grant select, insert on ledger_entry, past_account to bursar_ledger;
grant select, insert, update on ledger_proof, ledger_watch to bursar_ledger;
grant select, insert on ledger_repair, ledger_acknowledgement to bursar_ledger;
grant select on ledger_seal_head to bursar_ledger;
grant select on budget, budget_recurrence, fiscal_period, import_row, import_run, currency, tenant
  to bursar_ledger;
grant select, insert on action_idempotency, outbox, alert to bursar_ledger;

grant select, insert, update on app_user to bursar_system;
grant select on membership, tenant, hold, outbox, source, source_file, import_run,
  webhook_delivery, alert, budget_recurrence, budget, fiscal_period, ledger_watch
  to bursar_system;
grant select, update on job to bursar_system;

-- Partitions are reached through their parent only.
do $$
declare p regclass;
begin
  for p in select inhrelid::regclass from pg_inherits where inhparent = 'ledger_entry'::regclass loop
    execute format('revoke all on %s from bursar_app, bursar_ledger', p);
  end loop;
end $$;
