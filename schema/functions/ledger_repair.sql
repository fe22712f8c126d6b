-- Mending what a proof has found. Of counters and entries one is wrong: where the chain of entries is
-- whole the counters are rebuilt from it; where it is broken the counters are right, as far as they
-- follow from the state that was proven last, and correcting entries are posted until the entries
-- add up to them. Entries are never rewritten, and a break stays on record as acknowledged.

-- What the counters of an account must have been before its entries were tampered with: the proven
-- state and what follows from it without a break, else the state that is stored.
create or replace function ledger_anchored(p_account budget_account) returns numeric[]
language plpgsql stable as $$
declare
  proof public.ledger_proof;
  walked record;
begin
  select p.* into proof from public.ledger_proof p
   where p.tenant_id = p_account.tenant_id and p.account_id = p_account.id;
  if proof.seq > 0 and p_account.entry_seq < proof.seq then
    return array[proof.authorized, proof.reserved, proof.committed, proof.spent];
  end if;
  select w.* into walked from public.ledger_walked(
    p_account.tenant_id, p_account.id, proof.seq, p_account.entry_seq, proof.head_hash) w;
  if proof.seq > 0 and walked.whole and walked.entries = p_account.entry_seq - proof.seq
     and coalesce(walked.head_hash, proof.head_hash) = p_account.head_hash then
    return array[
      proof.authorized + walked.authorized, proof.reserved + walked.reserved,
      proof.committed + walked.committed, proof.spent + walked.spent];
  end if;
  return array[p_account.authorized, p_account.reserved, p_account.committed, p_account.spent];
end $$;

-- The moves that bring entries that add up to p_from to p_to: authorized, reserved, committed, spent.
create or replace function ledger_corrections(p_from numeric[], p_to numeric[])
returns table (from_bucket text, to_bucket text, amount numeric)
language sql immutable parallel safe as $$
  select case when d.more > 0 then b.source else b.goal end,
         case when d.more > 0 then b.goal else b.source end, abs(d.more)
    from (values (1, 'external', 'available'), (2, 'available', 'reserved'),
                 (3, 'available', 'committed'), (4, 'available', 'spent')) b (n, source, goal)
    cross join lateral (select p_to[b.n] - p_from[b.n]) d (more)
   where d.more <> 0
   order by b.n
$$;

-- Put entries after a locked account's last without touching its counters; returns its new head.
create or replace function ledger_enter_corrections(
  p_account budget_account, p_from numeric[], p_to numeric[], p_ref text, p_reason text,
  p_actor text
) returns budget_account language plpgsql as $$
declare
  account public.budget_account := p_account;
  moment timestamptz := greatest(clock_timestamp(), p_account.updated_at);
  smallest numeric := power(10::numeric, -p_account.decimals);
  one record;
begin
  for one in
    select c.* from public.ledger_corrections(p_from, p_to) c
    union all
    -- Where entries are gone that add up to nothing, two that do so too end the chain again.
    select * from (values ('external', 'available', smallest), ('available', 'external', smallest)) m
     where not exists (select from public.ledger_corrections(p_from, p_to))
  loop
    account.entry_seq := account.entry_seq + 1;
    account.head_hash := public.ledger_entry_hash(
      account.head_hash, account.tenant_id, account.id, account.entry_seq, 'adjust',
      one.from_bucket, one.to_bucket, one.amount, 'correction', p_ref, null, p_actor, p_reason,
      moment, moment);
    insert into public.ledger_entry
      (tenant_id, account_id, seq, kind, from_bucket, to_bucket, amount, ref_type, ref_id, actor,
       reason, effective_at, recorded_at, hash)
    values (account.tenant_id, account.id, account.entry_seq, 'adjust', one.from_bucket,
            one.to_bucket, one.amount, 'correction', p_ref, p_actor, p_reason, moment, moment,
            account.head_hash);
  end loop;
  account.updated_at := moment;
  return account;
end $$;

-- Note every break that there is in an account's chain now as seen, and every sealed head that its
-- entries do not have any more. One that changes again is a new one.
create or replace function ledger_acknowledge(p_tenant uuid, p_account uuid, p_repair uuid)
returns void language plpgsql as $$
begin
  insert into public.ledger_acknowledgement
    (tenant_id, account_id, repair_id, seq, before_seq, hash, expected)
  select p_tenant, p_account, p_repair, l.seq, l.before_seq, l.hash, l.expected
    from public.ledger_links(p_tenant, array[p_account]) l
   where (l.seq <> l.before_seq + 1 or l.hash <> l.expected)
     and not exists (
       select from public.ledger_acknowledgement k
        where k.tenant_id = p_tenant and k.account_id = p_account and k.seq = l.seq
          and k.before_seq = l.before_seq and k.hash = l.hash and k.expected = l.expected)
  union all
  select distinct p_tenant, p_account, p_repair, h.seq, h.seq, h.hash, null::bytea
    from public.ledger_seal_head h
   where h.tenant_id = p_tenant and h.account_id = p_account
     and not exists (
       select from public.ledger_entry e
        where e.tenant_id = p_tenant and e.account_id = p_account and e.seq = h.seq
          and e.hash = h.hash)
     and not exists (
       select from public.ledger_acknowledgement k
        where k.tenant_id = p_tenant and k.account_id = p_account and k.expected is null
          and k.seq = h.seq and k.hash = h.hash);
end $$;

-- Mend one locked account that does not hold; what was done, or null where nothing was wrong.
create or replace function ledger_mend(
  p_account budget_account, p_reason text, p_actor text
) returns ledger_repair language plpgsql as $$
declare
  account public.budget_account := p_account;
  repair public.ledger_repair;
  found record;
  proof public.ledger_proof;
  fold numeric[];
  goal numeric[];
begin
  select x.* into found
    from public.ledger_examined(account.tenant_id, array[account.id]) x;
  if found.fault is null and found.differs = 0 then
    return null;
  end if;
  select p.* into proof from public.ledger_proof p
   where p.tenant_id = account.tenant_id and p.account_id = account.id;
  fold := array[found.authorized, found.reserved, found.committed, found.spent];
  goal := case when found.fault is null then fold else public.ledger_anchored(account) end;
  repair.id := public.uuid_v7();
  if found.linked then
    account.entry_seq := found.last_seq;
    account.head_hash := (
      select e.hash from public.ledger_entry e
       where e.tenant_id = account.tenant_id and e.account_id = account.id
         and e.seq = found.last_seq);
  else
    select h.seq, h.head_hash into account.entry_seq, account.head_hash
      from (values (account.entry_seq, account.head_hash), (proof.seq, proof.head_hash)) h
             (seq, head_hash)
     where h.seq is not null
     union all
    select s.seq, s.hash from public.ledger_sealed(account.tenant_id, array[account.id]) s
     order by 1 desc limit 1;
  end if;
  -- Never a number again that an entry has, or has had.
  account.entry_seq := greatest(account.entry_seq, found.last_seq);
  if fold <> goal or not found.linked and not exists (
       select from public.ledger_entry e
        where e.tenant_id = account.tenant_id and e.account_id = account.id
          and e.seq = account.entry_seq and e.hash = account.head_hash) then
    account := public.ledger_enter_corrections(
      account, fold, goal, repair.id::text, p_reason, p_actor);
  end if;
  update public.budget_account a set
    authorized = goal[1], reserved = goal[2], committed = goal[3], spent = goal[4],
    rolled_up = found.rolled_up, entry_seq = account.entry_seq, head_hash = account.head_hash,
    updated_at = account.updated_at
   where a.tenant_id = account.tenant_id and a.id = account.id;
  perform public.ledger_acknowledge(account.tenant_id, account.id, repair.id);
  insert into public.ledger_proof as k
    (tenant_id, account_id, seq, head_hash, authorized, reserved, committed, spent)
  values (account.tenant_id, account.id, account.entry_seq, account.head_hash,
          goal[1], goal[2], goal[3], goal[4])
  on conflict (tenant_id, account_id) do update set
    seq = excluded.seq, head_hash = excluded.head_hash, authorized = excluded.authorized,
    reserved = excluded.reserved, committed = excluded.committed, spent = excluded.spent,
    proven_at = excluded.proven_at;
  insert into public.ledger_repair
    (tenant_id, id, budget_id, account_id, outcome, before, after, entries, reason, actor)
  values (
    account.tenant_id, repair.id, account.budget_id, account.id,
    case when found.fault is null then 'rebuilt' else 'corrected' end,
    jsonb_build_object(
      'stored', array[p_account.authorized, p_account.reserved, p_account.committed,
                      p_account.spent, p_account.rolled_up]::text[],
      'derived', (fold || found.rolled_up)::text[], 'entry_seq', p_account.entry_seq,
      'bad_seq', found.bad_seq, 'fault', found.fault),
    jsonb_build_object(
      'stored', (goal || found.rolled_up)::text[], 'entry_seq', account.entry_seq),
    (select count(*) from public.ledger_entry e
      where e.tenant_id = account.tenant_id and e.ref_type = 'correction'
        and e.ref_id = repair.id::text),
    p_reason, p_actor)
  returning * into repair;
  return repair;
end $$;

-- Mend the accounts of a budget that do not hold, and let go of them. Rows: what was done to each.
drop function if exists ledger_fix;
create function ledger_fix(p_tenant uuid, p_budget uuid, p_reason text, p_actor text)
returns setof ledger_repair language plpgsql security definer as $$
declare
  one record;
  account public.budget_account;
  repair public.ledger_repair;
begin
  perform set_config('bursar.tenant', p_tenant::text, true);
  -- After the round of the proof that runs, and before the next: both lock proven states and accounts,
  -- in another order.
  insert into public.ledger_watch (tenant_id) values (p_tenant) on conflict do nothing;
  perform 1 from public.ledger_watch w where w.tenant_id = p_tenant for update;
  for one in
    select a.id from public.budget_account a
     where a.tenant_id = p_tenant
       and a.id = any (array(select public.budget_accounts(p_tenant, p_budget)))
     order by cardinality(a.controllers), a.id
  loop
    account := public.ledger_lock_account(p_tenant, one.id);
    repair := public.ledger_mend(account, p_reason, p_actor);
    if repair.id is not null then
      return next repair;
    end if;
    perform public.ledger_thaw(p_tenant, array[one.id]);
  end loop;
  update public.ledger_watch w set frozen = public.ledger_frozen_accounts(p_tenant)
   where w.tenant_id = p_tenant;
end $$;
