-- The continuous proof: a round every few seconds that looks at every counter, at every entry since
-- the round before, and at a portion of all older entries.

-- The entries of one account after a proven one, added up, and whether they follow from it.
create or replace function ledger_walked(
  p_tenant uuid, p_account uuid, p_since bigint, p_upto bigint, p_since_hash bytea
) returns table (
  entries bigint, whole boolean, head_hash bytea,
  authorized numeric, reserved numeric, committed numeric, spent numeric
) language sql stable as $$
  select count(*), coalesce(bool_and(l.hash = l.expected), true),
         (array_agg(l.hash order by l.seq desc))[1],
         coalesce(sum(l.amount) filter (where l.from_bucket = 'external'), 0)
           - coalesce(sum(l.amount) filter (where l.to_bucket = 'external'), 0),
         coalesce(sum(l.amount) filter (where l.to_bucket = 'reserved'), 0)
           - coalesce(sum(l.amount) filter (where l.from_bucket = 'reserved'), 0),
         coalesce(sum(l.amount) filter (where l.to_bucket = 'committed'), 0)
           - coalesce(sum(l.amount) filter (where l.from_bucket = 'committed'), 0),
         coalesce(sum(l.amount) filter (where l.to_bucket = 'spent'), 0)
           - coalesce(sum(l.amount) filter (where l.from_bucket = 'spent'), 0)
    from (select e.seq, e.hash, e.from_bucket::text, e.to_bucket::text, e.amount,
                 public.ledger_entry_hash(
                   coalesce(lag(e.hash) over (order by e.seq), p_since_hash), e.tenant_id,
                   e.account_id, e.seq, e.kind, e.from_bucket, e.to_bucket, e.amount, e.ref_type,
                   e.ref_id, e.import_id, e.actor, e.reason, e.effective_at, e.recorded_at)
                   as expected
            from public.ledger_entry e
           where e.tenant_id = p_tenant and e.account_id = p_account
             and e.seq > p_since and e.seq <= p_upto) l
$$;

-- Carry the proven states of accounts forward over at most about p_entries new entries. Returns the
-- accounts that do not hold. One statement, so accounts and entries are of one moment.
create or replace function ledger_prove_moved(p_tenant uuid, p_entries bigint) returns uuid[]
language plpgsql as $$
declare
  suspects uuid[];
begin
  with moved as (
    select a.id, a.entry_seq, a.head_hash, a.authorized, a.reserved, a.committed, a.spent,
           coalesce(p.seq, 0) as since, p.head_hash as since_hash,
           coalesce(p.authorized, 0) as was_authorized, coalesce(p.reserved, 0) as was_reserved,
           coalesce(p.committed, 0) as was_committed, coalesce(p.spent, 0) as was_spent,
           least(a.entry_seq, coalesce(p.seq, 0) + p_entries) as upto
      from public.budget_account a
      left join public.ledger_proof p on p.tenant_id = p_tenant and p.account_id = a.id
     where a.tenant_id = p_tenant and a.entry_seq > coalesce(p.seq, 0) and a.frozen_for is null
  ), chosen as materialized (
    select x.* from (
      select m.*, sum(m.upto - m.since) over (order by m.id) - (m.upto - m.since) as before
        from moved m) x
     where x.before < p_entries
  ), proven as (
    select c.id, c.upto, w.head_hash,
           c.was_authorized + w.authorized as authorized, c.was_reserved + w.reserved as reserved,
           c.was_committed + w.committed as committed, c.was_spent + w.spent as spent,
           w.whole and w.entries = c.upto - c.since
           and (c.upto < c.entry_seq
                or w.head_hash = c.head_hash and c.authorized = c.was_authorized + w.authorized
                   and c.reserved = c.was_reserved + w.reserved
                   and c.committed = c.was_committed + w.committed
                   and c.spent = c.was_spent + w.spent) as holds
      from chosen c
      cross join lateral public.ledger_walked(p_tenant, c.id, c.since, c.upto, c.since_hash) w
  ), kept as (
    insert into public.ledger_proof as k
      (tenant_id, account_id, seq, head_hash, authorized, reserved, committed, spent)
    select p_tenant, v.id, v.upto, v.head_hash, v.authorized, v.reserved, v.committed, v.spent
      from proven v where v.holds
    on conflict (tenant_id, account_id) do update set
      seq = excluded.seq, head_hash = excluded.head_hash, authorized = excluded.authorized,
      reserved = excluded.reserved, committed = excluded.committed, spent = excluded.spent,
      proven_at = excluded.proven_at
  )
  select array_agg(v.id) into suspects from proven v where v.holds is distinct from true;
  return coalesce(suspects, '{}');
end $$;

-- Accounts without new entries whose counters are not the proven ones, which have fewer entries than
-- were proven, or whose share of those below is wrong. A counter changed past the ledger shows here.
create or replace function ledger_drifted(p_tenant uuid) returns uuid[]
language plpgsql stable as $$
begin
  return coalesce((
    select array_agg(a.id)
      from public.budget_account a
      left join public.ledger_proof p on p.tenant_id = p_tenant and p.account_id = a.id
      left join public.ledger_below(p_tenant) b on b.account_id = a.id
     where a.tenant_id = p_tenant and a.frozen_for is null
       and (a.entry_seq < coalesce(p.seq, 0)
            or a.entry_seq = coalesce(p.seq, 0)
               and (a.authorized <> coalesce(p.authorized, 0)
                    or a.reserved <> coalesce(p.reserved, 0)
                    or a.committed <> coalesce(p.committed, 0) or a.spent <> coalesce(p.spent, 0)
                    or a.head_hash is distinct from p.head_hash)
            or a.closed_at is null and a.rolled_up <> coalesce(b.used, 0))), '{}');
end $$;

-- Walk the next portion of all entries of a tenant, in the order of account and number, and note how
-- far. Returns the accounts with a link that does not fit, or without an entry that was proven last or
-- sealed.
create or replace function ledger_walk_on(p_tenant uuid, p_entries bigint) returns uuid[]
language plpgsql as $$
declare
  watch public.ledger_watch;
  last record;
  suspects uuid[];
begin
  select w.* into watch from public.ledger_watch w where w.tenant_id = p_tenant;
  watch.walked_account := coalesce(watch.walked_account, '00000000-0000-0000-0000-000000000000');
  with portion as materialized (
    select e.* from public.ledger_entry e
     where e.tenant_id = p_tenant
       and (e.account_id, e.seq) >= (watch.walked_account, watch.walked_seq)
     order by e.account_id, e.seq
     limit p_entries + 1
  ), linked as (
    select e.account_id, e.seq, e.hash, coalesce(lag(e.seq) over w, 0) as before_seq,
           public.ledger_entry_hash(
             lag(e.hash) over w, e.tenant_id, e.account_id, e.seq, e.kind, e.from_bucket,
             e.to_bucket, e.amount, e.ref_type, e.ref_id, e.import_id, e.actor, e.reason,
             e.effective_at, e.recorded_at) as expected
      from portion e window w as (partition by e.account_id order by e.seq)
  ), goal as (
    select x.account_id, x.seq, count(*) over () as walked from portion x
     order by x.account_id desc, x.seq desc limit 1
  ), broken as (
    select l.account_id from linked l
      left join public.ledger_acknowledgement k
        on k.tenant_id = p_tenant and k.account_id = l.account_id and k.seq = l.seq
           and k.before_seq = l.before_seq and k.hash = l.hash and k.expected = l.expected
     where (l.seq <> l.before_seq + 1 or l.hash <> l.expected) and k.id is null
       -- The one that the last portion ended with is only here for the next to follow from.
       and (l.account_id, l.seq) <> (watch.walked_account, watch.walked_seq)
    union
    select p.account_id from public.ledger_proof p
      left join portion e on e.account_id = p.account_id and e.seq = p.seq and e.hash = p.head_hash
     where p.tenant_id = p_tenant and p.seq > 0 and e.seq is null
       and (p.account_id, p.seq) > (watch.walked_account, watch.walked_seq)
       and (coalesce((select g.walked from goal g), 0) <= p_entries
            or (p.account_id, p.seq) <= (select g.account_id, g.seq from goal g))
    union
    select h.account_id from public.ledger_seal_head h
      left join portion e on e.account_id = h.account_id and e.seq = h.seq and e.hash = h.hash
     where h.tenant_id = p_tenant and e.seq is null
       and (h.account_id, h.seq) > (watch.walked_account, watch.walked_seq)
       and (coalesce((select g.walked from goal g), 0) <= p_entries
            or (h.account_id, h.seq) <= (select g.account_id, g.seq from goal g))
       and not exists (
         select from public.ledger_acknowledgement k
          where k.tenant_id = p_tenant and k.account_id = h.account_id and k.expected is null
            and k.seq = h.seq and k.hash = h.hash)
  )
  select (select array_agg(b.account_id) from broken b), g.account_id, g.seq,
         coalesce(g.walked, 0) > p_entries as more
    into last
    from (select) one left join goal g on true;
  suspects := last.array_agg;
  update public.ledger_watch w set
    walked_account = case when last.more then last.account_id end,
    walked_seq = case when last.more then last.seq else 0 end,
    walked_at = case when last.more then w.walked_at else clock_timestamp() end
   where w.tenant_id = p_tenant;
  return coalesce(suspects, '{}');
end $$;

-- Freeze those of the accounts that do not hold, each for itself, after a look under its lock.
create or replace function ledger_quarantine(p_tenant uuid, p_accounts uuid[])
returns table (
  event text, budget_id uuid, account_id uuid, fault text, bad_seq bigint, differs numeric
) language plpgsql as $$
declare
  one record;
  found record;
begin
  for one in
    select a.id from public.budget_account a
     where a.tenant_id = p_tenant and a.id = any (p_accounts)
       and not (a.frozen and a.frozen_for is not null)
     order by cardinality(a.controllers), a.id
  loop
    perform 1 from public.budget_account a
      where a.tenant_id = p_tenant and a.id = one.id for no key update;
    select x.* into found from public.ledger_examined(p_tenant, array[one.id]) x;
    continue when found.fault is null and found.differs = 0;
    update public.budget_account a set frozen = true, frozen_for = 'discrepancy'
     where a.tenant_id = p_tenant and a.id = one.id;
    return query select 'frozen', found.budget_id, found.account_id, found.fault, found.bad_seq,
                        found.differs;
  end loop;
end $$;

-- Let go of accounts that a failed proof has frozen and that hold again; what a person froze stays.
create or replace function ledger_thaw(p_tenant uuid, p_accounts uuid[])
returns table (
  event text, budget_id uuid, account_id uuid, fault text, bad_seq bigint, differs numeric
) language plpgsql as $$
begin
  perform 1 from (
    select a.id from public.budget_account a
     where a.tenant_id = p_tenant and a.id = any (p_accounts)
     order by cardinality(a.controllers), a.id
       for no key update) locked;
  return query
  update public.budget_account a
     set frozen_for = null,
         frozen = b.status <> 'active' or b.deleted_at is not null or a.period_state is not null
    from public.ledger_examined(p_tenant, p_accounts) x, public.budget b
   where a.tenant_id = p_tenant and a.id = x.account_id and a.frozen_for = 'discrepancy'
     and x.fault is null and x.differs = 0
     and b.tenant_id = p_tenant and b.id = a.budget_id
  returning 'thawed', a.budget_id, a.id, null::text, null::bigint, x.differs;
end $$;

-- How many accounts a failed proof has frozen.
create or replace function ledger_frozen_accounts(p_tenant uuid) returns int
language sql stable as $$
  select count(*)::int from public.budget_account a
   where a.tenant_id = p_tenant and a.frozen_for is not null
$$;

-- One round of the proof of a tenant; what it froze and thawed. Two at once: the second does nothing.
drop function if exists ledger_prove;
create function ledger_prove(
  p_tenant uuid, p_entries bigint default 200000, p_walk bigint default 100000
) returns table (
  event text, budget_id uuid, account_id uuid, fault text, bad_seq bigint, differs numeric
) language plpgsql security definer as $$
declare
  moment timestamptz := clock_timestamp();
  suspects uuid[];
  frozen_ones uuid[];
  behind bigint;
begin
  perform set_config('bursar.tenant', p_tenant::text, true);
  insert into public.ledger_watch (tenant_id) values (p_tenant) on conflict do nothing;
  perform 1 from public.ledger_watch w where w.tenant_id = p_tenant for update skip locked;
  if not found then
    return;
  end if;
  select coalesce(sum(a.entry_seq - coalesce(p.seq, 0)), 0) into behind
    from public.budget_account a
    left join public.ledger_proof p on p.tenant_id = p_tenant and p.account_id = a.id
   where a.tenant_id = p_tenant and a.entry_seq > coalesce(p.seq, 0) and a.frozen_for is null;
  suspects := public.ledger_prove_moved(p_tenant, p_entries) || public.ledger_drifted(p_tenant)
              || public.ledger_walk_on(p_tenant, p_walk);
  -- Looked at in turns, so that many frozen accounts do not make a round long.
  select array_agg(t.id) into frozen_ones from (
    select a.id from public.budget_account a
     where a.tenant_id = p_tenant and a.frozen_for = 'discrepancy' order by random() limit 20) t;
  if suspects <> '{}' then
    return query select q.* from public.ledger_quarantine(p_tenant, suspects) q;
  end if;
  if frozen_ones <> '{}' then
    return query select t.* from public.ledger_thaw(p_tenant, frozen_ones) t;
  end if;
  update public.ledger_watch w set
    -- What came in since this round began is for the next one.
    proven_at = case when behind <= p_entries then moment else w.proven_at end,
    unproven = greatest(behind - p_entries, 0),
    frozen = public.ledger_frozen_accounts(p_tenant)
   where w.tenant_id = p_tenant;
end $$;

-- Freeze at once what a look from outside has found; the ledger looks again itself. The watch is
-- locked before the accounts, as by a round, and says how many are frozen from then on.
drop function if exists ledger_suspect;
create function ledger_suspect(p_tenant uuid, p_accounts uuid[])
returns table (
  event text, budget_id uuid, account_id uuid, fault text, bad_seq bigint, differs numeric
) language plpgsql security definer as $$
begin
  perform set_config('bursar.tenant', p_tenant::text, true);
  insert into public.ledger_watch (tenant_id) values (p_tenant) on conflict do nothing;
  perform 1 from public.ledger_watch w where w.tenant_id = p_tenant for update;
  return query select q.* from public.ledger_quarantine(p_tenant, p_accounts) q;
  if found then
    update public.ledger_watch w set frozen = public.ledger_frozen_accounts(p_tenant)
     where w.tenant_id = p_tenant;
  end if;
end $$;
