-- What is due, across all tenants. The only cross-tenant reads the application can make: each
-- returns ids and nothing else, and runs as bursar_system.

-- Jobs whose bell should ring (again): ready and not rung lately, or running on an expired lease.
drop function if exists ring_due_jobs;
create function ring_due_jobs(p_limit int, p_quiet interval)
returns table (tenant_id uuid, id uuid, kind text, queue text)
language sql volatile security definer as $$
  update public.job j set rung_at = now()
    from (select d.tenant_id, d.id from public.job d
           where (d.state in ('queued', 'retrying') and d.run_after <= now()
                  or d.state = 'running' and d.leased_until < now())
             and (d.rung_at is null or d.rung_at < now() - p_quiet)
           order by d.run_after limit p_limit
             for update skip locked) due
   where j.tenant_id = due.tenant_id and j.id = due.id
  returning j.tenant_id, j.id, j.kind, j.queue
$$;
alter function ring_due_jobs(int, interval) owner to bursar_system;
revoke all on function ring_due_jobs(int, interval) from public;
grant execute on function ring_due_jobs(int, interval) to bursar_app;

-- Tenants that have something waiting: holds past their expiry, events not yet told.
drop function if exists tenants_with_due;
create function tenants_with_due(p_what text) returns table (tenant_id uuid)
language plpgsql stable security definer as $$
begin
  if p_what = 'holds' then
    return query select distinct h.tenant_id from public.hold h
                  where h.state = 'open' and h.expires_at <= now();
  elsif p_what = 'outbox' then
    return query select distinct o.tenant_id from public.outbox o where o.published_at is null;
  elsif p_what = 'source_files' then
    return query select distinct f.tenant_id from public.source_file f
                   join public.import_run r on r.tenant_id = f.tenant_id and r.id = f.import_id
                  where f.state = 'importing' and r.state not in ('received', 'profiled', 'applying')
                     or f.state = 'waiting' and r.state not in ('planned', 'awaiting_mapping')
                  union
                 select f.tenant_id from public.source_file f
                   join public.import_run r on r.tenant_id = f.tenant_id and r.id = f.import_id
                  where f.state = 'failed' and f.import_id is not null
                    and (r.state in ('completed', 'completed_with_errors', 'awaiting_mapping')
                         or r.state = 'planned' and not r.apply
                         or exists (select from public.import_run a
                                     where a.tenant_id = r.tenant_id and a.continues_id = r.id
                                       and a.state in ('completed', 'completed_with_errors')));
  elsif p_what = 'webhooks' then
    return query select distinct d.tenant_id from public.webhook_delivery d
                  where d.state = 'pending' and d.next_attempt_at <= now();
  elsif p_what = 'alerts' then
    return query select t.id from public.tenant t
                  where exists (select from public.alert a
                                 where a.tenant_id = t.id and a.state <> 'resolved'
                                   and a.budget_id is not null);
  elsif p_what = 'resets' then
    -- Days are counted where the tenant is. What could not be reset is tried again after a while.
    return query select t.id from public.tenant t
                  where t.deleted_at is null and exists (
                    select from public.budget_recurrence r
                      join public.budget b
                        on b.tenant_id = r.tenant_id and b.id = r.id and b.deleted_at is null
                           and b.status = 'active'
                      join public.fiscal_period p
                        on p.tenant_id = b.tenant_id and p.id = b.period_id and p.state = 'open'
                     where r.tenant_id = t.id
                       and r.next_on <= (now() at time zone t.time_zone)::date
                       and (r.retry_at is null or r.retry_at <= now()));
  elsif p_what = 'proof' then
    return query select t.id from public.tenant t
                   left join public.ledger_watch w on w.tenant_id = t.id
                  where t.deleted_at is null order by w.proven_at nulls first;
  elsif p_what = 'all' then
    return query select t.id from public.tenant t where t.deleted_at is null;
  end if;
end $$;
alter function tenants_with_due(text) owner to bursar_system;
revoke all on function tenants_with_due(text) from public;
grant execute on function tenants_with_due(text) to bursar_app;

-- Sources whose schedule, or whose expected file, is due, in tenants that have not paused theirs.
drop function if exists sources_due;
create function sources_due(p_limit int) returns table (tenant_id uuid, id uuid)
language sql stable security definer as $$
  select s.tenant_id, s.id from public.source s
    join public.tenant t on t.id = s.tenant_id and t.sources_paused_at is null
   where s.is_active and s.deleted_at is null
     and least(s.next_due_at, s.next_expected_at) <= now()
   order by least(s.next_due_at, s.next_expected_at) limit p_limit
$$;
alter function sources_due(int) owner to bursar_system;
revoke all on function sources_due(int) from public;
grant execute on function sources_due(int) to bursar_app;

-- How many jobs wait, by queue and state, for the metrics and the operator.
drop function if exists job_totals;
create function job_totals() returns table (queue text, state text, jobs bigint, oldest timestamptz)
language sql stable security definer as $$
  select j.queue, j.state, count(*), min(j.run_after) from public.job j
   where j.state in ('queued', 'running', 'retrying')
   group by j.queue, j.state
$$;
alter function job_totals() owner to bursar_system;
revoke all on function job_totals() from public;
grant execute on function job_totals() to bursar_app;

-- How long ago the ledger whose turn is most overdue was proven, reconciled and sealed, and how many
-- accounts are frozen because they do not prove, for the metrics and the operator.
drop function if exists proof_totals;
create function proof_totals()
returns table (proven_at timestamptz, reconciled_at timestamptz, sealed_at timestamptz,
               frozen bigint)
language sql stable security definer as $$
  select min(w.proven_at), min(w.reconciled_at), min(w.sealed_at), coalesce(sum(w.frozen), 0)
    from public.ledger_watch w
    join public.tenant t on t.id = w.tenant_id and t.deleted_at is null
$$;
alter function proof_totals() owner to bursar_system;
revoke all on function proof_totals() from public;
grant execute on function proof_totals() to bursar_app;

-- Partitions of the ledger for this month and the months ahead. A row for a month that nobody
-- foresaw lands in the default partition rather than nowhere.
drop function if exists ensure_ledger_partitions;
create function ensure_ledger_partitions(p_months_ahead int default 3) returns int
language plpgsql security definer as $$
declare
  first_day date;
  part text;
  made int := 0;
begin
  for i in -1 .. p_months_ahead loop
    first_day := (date_trunc('month', now() at time zone 'UTC') + make_interval(months => i))::date;
    part := 'ledger_entry_' || to_char(first_day, 'YYYY_MM');
    if to_regclass('public.' || part) is null then
      execute format(
        'create table public.%I partition of public.ledger_entry
           for values from (%L) to (%L)',
        part, first_day || ' 00:00+00', (first_day + interval '1 month')::date || ' 00:00+00');
      perform public.raise_tenant_wall(('public.' || part)::regclass);
      perform public.guard_append_only(('public.' || part)::regclass);
      made := made + 1;
    end if;
  end loop;
  return made;
end $$;
revoke all on function ensure_ledger_partitions(int) from public;
grant execute on function ensure_ledger_partitions(int) to bursar_app;

-- The tenants of this installation, for the operator's command line.
drop function if exists tenant_names;
create function tenant_names() returns table (id uuid, slug text, name text)
language sql stable security definer as $$
  select t.id, t.slug, t.name from public.tenant t where t.deleted_at is null order by t.created_at
$$;
alter function tenant_names() owner to bursar_system;
revoke all on function tenant_names() from public;
grant execute on function tenant_names() to bursar_app;
