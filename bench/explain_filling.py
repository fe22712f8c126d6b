"""Many tenants with many budgets: bulk SQL as a superuser, every index kept."""

from __future__ import annotations

import time
from collections.abc import Sequence
from uuid import UUID

import psycopg

EACH = 10  # entries of a budget, over three months
DEEP = 5_000  # more entries of the first budget of the first tenant

# Months before the last one have no partition of their own unless they were lived through.
MONTHS = """
do $$
declare day date; part text;
begin
  for i in 2 .. 4 loop
    day := (date_trunc('month', now() at time zone 'UTC') - make_interval(months => i))::date;
    part := 'ledger_entry_' || to_char(day, 'YYYY_MM');
    if to_regclass(part) is null then
      execute format('create table %I partition of ledger_entry for values from (%L) to (%L)',
                     part, day || ' 00:00+00', (day + interval '1 month')::date || ' 00:00+00');
      perform raise_tenant_wall(part::regclass);
      perform guard_append_only(part::regclass);
    end if;
  end loop;
end $$
"""
BUDGETS = """
create temporary table b on commit drop as
select n, %(t)s::uuid as t,
       ('0190' || lpad(to_hex(%(no)s), 4, '0') || '-0000-7000-8000-'
        || lpad(to_hex(n), 12, '0'))::uuid as id,
       md5(%(t)s::text || 'p' || n %% 3)::uuid as period_id,
       'FY' || 2025 + n %% 3 as period,
       md5(%(t)s::text || 'i' || n %% 2000)::uuid as import_id,
       now() - (%(budgets)s - n) * (interval '90 days' / %(budgets)s) as made
  from generate_series(1, %(budgets)s) n;
insert into fiscal_period (tenant_id, id, code, kind, starts_on, ends_on)
select distinct t, period_id, period, 'year', (substr(period, 3) || '-01-01')::date,
       (substr(period, 3) || '-12-31')::date from b;
insert into stored_file (tenant_id, id, sha256, size_bytes, name, created_by)
values (%(t)s, md5(%(t)s::text || 'f')::uuid, sha256('f'), 1, 'b.csv', 'bench');
insert into import_run (tenant_id, id, file_id, state, created_by, created_at)
select %(t)s, md5(%(t)s::text || 'i' || n)::uuid, md5(%(t)s::text || 'f')::uuid,
       case when n %% 50 = 0 then 'failed' else 'completed' end, 'bench',
       now() - n * interval '1 hour'
  from generate_series(0, 1999) n;
insert into budget (tenant_id, id, name, department, sub_category, fiscal_period, period_id,
                    currency, kind, status, source, external_ref, import_id, created_at)
select t, id, 'Budget ' || n, 'Dept ' || n %% 500, 'Cat ' || n / 500, period, period_id, 'USD',
       case when n %% 50 = 0 then 'program' else 'department' end,
       case when n %% 40 = 0 then 'frozen' else 'active' end,
       case when n %% 5 < 3 then 'import' else 'manual' end, 'E' || n,
       case when n %% 5 < 3 then import_id end, made
  from b;
insert into ledger_entry (tenant_id, account_id, seq, recorded_at, effective_at, kind, from_bucket,
                          to_bucket, amount, ref_type, ref_id, import_id, actor, hash)
select t, id, seq, m, m, k[1], k[2], k[3],
       case when seq = 1 then 5000 + n %% 977 else (n + seq / 2) %% 97 + 1 end,
       case when seq > 1 then 'reservation' end,
       case when seq > 1 then 'r' || n || '-' || seq / 2 end,
       case when seq = 1 and n %% 5 < 3 then import_id end, 'bench', ''
  from b
  cross join lateral (
    select %(each)s + case when n = 1 and %(no)s = 1 then %(deep)s else 0 end) c (own)
  cross join generate_series(1, own) s (seq)
  cross join lateral (
    select now() - interval '89 days'
           + (seq * 1000 + n %% 1000) * (interval '89 days' / 1000 / (own + 1))) t (m)
  cross join lateral (select case when seq = 1 then array['fund', 'external', 'available']
                                  when seq %% 2 = 0 then array['reserve', 'available', 'reserved']
                                  else array['charge', 'reserved', 'spent'] end) x (k);
insert into budget_account (tenant_id, id, budget_id, currency, decimals, authorized, reserved,
                            spent, entry_seq, updated_at)
select tenant_id, account_id, account_id, 'USD', 2, sum(amount) filter (where kind = 'fund'),
       sum(amount) filter (where kind = 'reserve') - sum(amount) filter (where kind = 'charge'),
       sum(amount) filter (where kind = 'charge'), max(seq), max(recorded_at)
  from ledger_entry where tenant_id = %(t)s group by tenant_id, account_id;
insert into hold (tenant_id, account_id, budget_id, ref_type, ref_id, amount, charged, state,
                  expires_at, created_at)
select t, id, id, 'reservation', 'r' || n || '-' || i, (n + i) %% 97 + 1,
       case when i < 5 then (n + i) %% 97 + 1 else 0 end,
       case when i < 5 then 'charged' else 'open' end,
       case when n %% 100 = 0 then now() + interval '1 day' end, made
  from b cross join generate_series(4, 5) i;
insert into budget_recurrence (tenant_id, id, period_type, next_on)
select t, id, 'monthly', current_date + 2 + n / 10 %% 28 - case when n <= 100 then 30 else 0 end
  from b where n %% 10 = 0;
insert into alert (tenant_id, type, severity, state, budget_id, message, dedup_key, created_at)
select t, case when n %% 8 = 0 then 'threshold_warning' else 'hard_cap_reached' end, 'warning',
       case when n %% 200 = 0 then 'open' else 'resolved' end, id, 'bench', 'k' || n, made
  from b where n %% 4 = 0;
insert into job (tenant_id, kind, queue, state, created_by, created_at)
select t, case when n %% 100 = 0 then 'ledger.reconcile' else 'imports.run' end, 'imports',
       case when n %% 1000 = 0 then 'failed' else 'succeeded' end, 'bench', made
  from b where n %% 2 = 0;
insert into import_row (tenant_id, import_id, row_no, action, budget_id, amount, errors)
select t, md5(%(t)s::text || 'i7')::uuid, n,
       case when n %% 100 = 0 then 'rejected' else 'create' end, id, 1, case when n %% 100 = 0
                   then '[{"code": "invalid_amount", "detail": "x", "column": "Budget"}]'::jsonb end
  from b where n <= 20000;
insert into check_decision (tenant_id, budget_id, amount, decision, reason, actor)
select t, id, 1, 'approved', 'bench', 'bench' from b;
insert into approval_rule (tenant_id, name, department, auto_approve_up_to, created_by)
select %(t)s, 'Rule ' || n, 'Dept ' || n, 100, 'bench' from generate_series(1, 300) n;
insert into budget_account (tenant_id, budget_id, currency, decimals, period_code, closed_at)
select t, id, 'USD', 2, 'P' || i, now() - i * interval '30 days'
  from b cross join generate_series(1, 24) i where n <= 1000;
insert into past_account (tenant_id, account_id, budget_id, closed_at)
select tenant_id, id, budget_id, closed_at from budget_account
 where tenant_id = %(t)s and closed_at is not null
"""


def fill(conninfo: str, tenants: Sequence[tuple[UUID, int]]) -> tuple[int, int]:
    """Give each tenant so many budgets; how many budgets and entries there are in the end."""
    start = time.monotonic()
    with psycopg.connect(conninfo, autocommit=True, cursor_factory=psycopg.ClientCursor) as admin:
        admin.execute(MONTHS)
        # No triggers and foreign keys while filling: what is written is known to fit.
        admin.execute("set session_replication_role = replica")
        admin.execute("set synchronous_commit = off")
        admin.execute("set work_mem = '512MB'")
        for number, (tenant_id, budgets) in enumerate(tenants, 1):
            names = {
                "t": tenant_id, "no": number, "budgets": budgets, "each": EACH, "deep": DEEP,
            }  # fmt: skip
            with admin.transaction():
                for statement in BUDGETS.split(";\n"):
                    admin.execute(statement.encode(), names)
            print(
                f"tenant {number} of {len(tenants)}: {time.monotonic() - start:.0f} s", flush=True
            )
        admin.execute("reset work_mem")
        admin.execute("vacuum analyze")
        row = admin.execute(
            "select (select count(*) from budget), (select count(*) from ledger_entry)"
        ).fetchone()
    assert row is not None
    print(f"filled and analyzed in {time.monotonic() - start:.0f} s", flush=True)
    return row[0], row[1]
