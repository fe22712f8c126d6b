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

-- How a person of the tenant that asks stands now.
drop function if exists member_standing;
create function member_standing(p_user uuid)
returns table (role text, time_zone text, password_hash text)
language sql stable security definer as $$
  select m.role, t.time_zone, u.password_hash
    from public.membership m
    join public.tenant t on t.id = m.tenant_id
    join public.app_user u on u.id = m.user_id and u.deleted_at is null
   where m.tenant_id = public.current_tenant() and m.user_id = p_user and m.deleted_at is null
$$;
alter function member_standing(uuid) owner to bursar_system;
revoke all on function member_standing(uuid) from public;
grant execute on function member_standing(uuid) to bursar_app;

-- The password of who asks, and of nobody else.
drop function if exists own_password;
create function own_password(p_user uuid) returns table (password_hash text)
language sql stable security definer as $$
  select u.password_hash from public.app_user u
   where u.id = p_user and public.current_actor() = 'user:' || p_user::text
$$;
alter function own_password(uuid) owner to bursar_system;
revoke all on function own_password(uuid) from public;
grant execute on function own_password(uuid) to bursar_app;

-- Set by its owner, or from the shell for who has lost it: for a person of the tenant that asks.
drop function if exists set_password;
create function set_password(p_user uuid, p_hash text) returns void
language plpgsql security definer as $$
begin
  if public.current_actor() not in ('user:' || p_user::text, 'shell') then
    raise exception 'a password is changed by its owner' using errcode = 'insufficient_privilege';
  end if;
  update public.app_user u set password_hash = p_hash, updated_at = now(),
         row_version = u.row_version + 1
   where u.id = p_user and exists (
     select from public.membership m
      where m.tenant_id = public.current_tenant() and m.user_id = p_user and m.deleted_at is null);
  if not found then
    raise exception 'no such member' using errcode = 'no_data_found';
  end if;
end $$;
alter function set_password(uuid, text) owner to bursar_system;
revoke all on function set_password(uuid, text) from public;
grant execute on function set_password(uuid, text) to bursar_app;

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
