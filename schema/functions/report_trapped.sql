-- Open holds with how likely it is that they will still be charged, learned from holds of the same
-- type that have ended. Of all that waited at least as long as this one has, some were charged
-- later; the others were given back, expired, or wait still, as this one does. Where none of those
-- that were charged has ever waited as long, it counts as less than one, the less the longer.
drop function if exists report_trapped(uuid, uuid, timestamptz);
drop function if exists report_trapped(uuid, timestamptz, timestamptz);
create function report_trapped(p_tenant uuid, p_learn_from timestamptz, p_now timestamptz)
returns table (
  ref_type text, ref_id text, budget_id uuid, currency text, remaining numeric, stage text,
  created_at timestamptz, expires_at timestamptz, waited_seconds numeric, learned_from bigint,
  usual_seconds numeric, longest_seconds numeric, probability numeric
) language sql stable parallel safe as $$
  with ended as (
    -- Those that ended are found by when they were made, so learning reads no more than its share of
    -- the past. What was spent at once never waited, and a refund has moved the time of its charge.
    select h.ref_type, h.state = 'charged' as charged,
           extract(epoch from h.updated_at - h.created_at) as waited
      from hold h
     where h.tenant_id = p_tenant and h.created_at >= p_learn_from and h.state <> 'open'
       and h.updated_at > h.created_at and h.refunded = 0
  ), usual as (
    select e.ref_type, count(*) as many, max(e.waited) as longest,
           percentile_disc(0.5) within group (order by e.waited) as half
      from ended e where e.charged group by e.ref_type
  ), all_of_them as (
    select e.ref_type, e.waited, e.charged::int as charged, null as ref_id, null::uuid as budget_id,
           null as currency, null::numeric as remaining, null as stage,
           null::timestamptz as created_at, null::timestamptz as expires_at
      from ended e
    union all
    select h.ref_type, extract(epoch from p_now - h.created_at), 0, h.ref_id, a.budget_id,
           a.currency, h.remaining, h.stage, h.created_at, h.expires_at
      from budget_account a
      cross join lateral (
        select x.*, x.remaining from hold x
         where x.tenant_id = a.tenant_id and x.account_id = a.id and x.state = 'open'
        offset 0
      ) h
     where a.tenant_id = p_tenant and a.reserved + a.committed <> 0
  ), ranked as (
    select x.*, sum(x.charged) over w as later, sum(1 - x.charged) over w as never
      from all_of_them x
    window w as (partition by x.ref_type order by x.waited desc)
  ), judged as (
    select r.*, u.many, u.half, u.longest,
           case when r.later > 0 then r.later
                else least(u.longest / nullif(r.waited, 0), 1) end as charged_later
      from ranked r join usual u on u.ref_type = r.ref_type
     where r.ref_id is not null
  )
  select j.ref_type, j.ref_id, j.budget_id, j.currency::text, j.remaining, j.stage::text,
         j.created_at, j.expires_at, round(j.waited), j.many, round(j.half), round(j.longest),
         round(j.charged_later / (j.charged_later + j.never), 4)
    from judged j
   order by 13, j.remaining desc, j.ref_type, j.ref_id
$$;
