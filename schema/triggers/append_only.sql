-- Entries and audit rows are only ever added. The grants already say so for the application;
-- these triggers say so to everybody who is not willing to disable them.

create or replace function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only: % is refused', tg_table_name, tg_op
    using errcode = 'restrict_violation';
end $$;

create or replace function guard_append_only(p_table regclass) returns void
language plpgsql as $$
begin
  execute format('drop trigger if exists append_only on %s', p_table);
  execute format('create trigger append_only before update or delete or truncate on %s
                  for each statement execute function refuse_change()', p_table);
end $$;

select guard_append_only('ledger_entry');
select guard_append_only(inhrelid::regclass)
  from pg_inherits where inhparent = 'ledger_entry'::regclass;
select guard_append_only('audit_log');
select guard_append_only('ledger_repair');
select guard_append_only('ledger_acknowledgement');
select guard_append_only('ledger_seal');
select guard_append_only('ledger_seal_head');

-- Entries and holds name their account without a foreign key, whose look-up would be a sixth of the
-- cost of a reservation: only the ledger's functions write them, under the account's lock, and an
-- account never goes away.
drop trigger if exists stays on budget_account;
create trigger stays before delete or truncate on budget_account
  for each statement execute function refuse_change();
