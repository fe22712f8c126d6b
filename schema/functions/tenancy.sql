-- Who is asking: set for one transaction only, so a pooled connection never remembers a tenant.

create or replace function current_tenant() returns uuid language sql stable parallel safe as $$
  select nullif(current_setting('bursar.tenant', true), '')::uuid
$$;

create or replace function current_actor() returns text language sql stable parallel safe as $$
  select coalesce(nullif(current_setting('bursar.actor', true), ''), session_user::text)
$$;

-- Log-in happens before a tenant is known, so these few look-ups run as bursar_system, whose
-- policies cover just the tables they read. They answer for one e-mail address or one user.

drop function if exists login_candidates;
create function login_candidates(p_email text)
returns table (user_id uuid, name text, password_hash text, tenant_id uuid, tenant_name text,
               role text)
language sql stable security definer as $$
  select u.id, u.name, u.password_hash, m.tenant_id, t.name, m.role
    from public.app_user u
    join public.membership m on m.user_id = u.id and m.deleted_at is null
    join public.tenant t on t.id = m.tenant_id and t.deleted_at is null
   where lower(u.email) = lower(p_email) and u.deleted_at is null
   order by m.created_at
$$;
alter function login_candidates(text) owner to bursar_system;
revoke all on function login_candidates(text) from public;
grant execute on function login_candidates(text) to bursar_app;

drop function if exists ensure_user;
create function ensure_user(p_email text, p_name text, p_password_hash text) returns uuid
language plpgsql security definer as $$
declare found_id uuid;
begin
  select id into found_id from public.app_user where lower(email) = lower(p_email);
  if found_id is null then
    insert into public.app_user (email, name, password_hash)
    values (p_email, p_name, p_password_hash) returning id into found_id;
  end if;
  return found_id;
end $$;
alter function ensure_user(text, text, text) owner to bursar_system;
revoke all on function ensure_user(text, text, text) from public;
grant execute on function ensure_user(text, text, text) to bursar_app;

-- The people of the tenant that asks, those who have left too: their names stand in its trail.
drop function if exists tenant_members;
create function tenant_members()
returns table (id uuid, user_id uuid, email text, name text, role text, created_at timestamptz,
               deleted_at timestamptz, row_version int)
language sql stable security definer as $$
  select m.id, m.user_id, u.email, u.name, m.role, m.created_at, m.deleted_at, m.row_version
    from public.membership m
    join public.app_user u on u.id = m.user_id and u.deleted_at is null
   where m.tenant_id = public.current_tenant()
$$;
alter function tenant_members() owner to bursar_system;
revoke all on function tenant_members() from public;
grant execute on function tenant_members() to bursar_app;
