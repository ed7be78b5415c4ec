import type { ClientBase } from 'pg'
import { SERVER_FUNCTIONS } from './declared.ts'

/** Rights as they really are: what Postgres would decide, whichever way the right came to the role. */
export interface EffectiveRights {
  readonly roles: readonly RoleFacts[]
  /** One for each role, object and right; of PUBLIC too, and then also of all others. Not of administrators. */
  readonly rights: readonly Right[]
  /** Functions that act with their owner's rights while the caller's search_path decides what names mean. */
  readonly unsafeFunctions: readonly string[]
  /** What is not pulse_owner's. */
  readonly foreign: readonly { readonly object: string; readonly owner: string }[]
  readonly database: { readonly name: string; readonly owner: string }
  /** Columns and tables that are there, so that a right on one that is not yet there is not missed. */
  readonly objects: ReadonlySet<string>
}

export interface RoleFacts {
  /** Quoted where SQL wants it, as all names here. */
  readonly name: string
  readonly login: boolean
  /** Superusers, who may hand on pulse_owner, and the login that this connection migrates with. */
  readonly administrator: boolean
  /** CREATEROLE and the like. */
  readonly attributes: readonly string[]
  /** Roles that it has the rights of or may become, also by way of another one. */
  readonly memberOf: readonly {
    readonly name: string
    readonly predefined: boolean
    readonly attributes: readonly string[]
    /** Its own memberships that lead there: the role itself, or what is a member of it. */
    readonly via: readonly string[]
  }[]
}

export interface Right {
  readonly role: string
  readonly object: string
  readonly right: string
}

/** Has the rights of that role, or may become it; also by way of another one. */
const acts = (role: string, as: string) =>
  `(pg_has_role(${role}, ${as}, 'usage') or pg_has_role(${role}, ${as}, 'set'))`

/**
 * Roles that matter here: ours, logins that are members of ours, and whoever was granted something in our
 * schemas. A partition is looked at where it has grants of its own; else it belongs to its table.
 */
const SUBJECTS = `
  with ours as (select oid from pg_roles where rolname in ('pulse_owner', 'pulse_loader', 'pulse_reader')),
  schemas as (select oid, nspname, nspowner, nspacl from pg_namespace where nspname in ('warehouse', 'audit')),
  relations as (
    select c.oid, c.relkind, c.relowner, c.relacl, format('%I.%I', nspname, relname) as object,
           exists (select from pg_attribute where attrelid = c.oid and attacl is not null) as by_column
    from pg_class c join schemas s on s.oid = relnamespace
    where relkind in ('r', 'p', 'v', 'm', 'f', 'S')
      and (not relispartition or relowner not in (select oid from ours)
           or exists (select from aclexplode(relacl) where grantee <> relowner)
           or exists (select from pg_attribute where attrelid = c.oid and attacl is not null))
  ),
  functions as (
    select p.oid, proowner, proacl, prosecdef, proconfig,
           format('%I.%I(%s)', nspname, proname, oidvectortypes(proargtypes)) as object
    from pg_proc p join schemas s on s.oid = pronamespace
  ),
  subjects as (
    select r.oid, quote_ident(r.rolname) as name, r.rolcanlogin as login,
           r.oid not in (select oid from ours) and (
             r.rolsuper
             or exists (select from pg_auth_members m join pg_roles o on o.oid = m.roleid
                        where o.rolname = 'pulse_owner' and m.admin_option and pg_has_role(r.oid, m.member, 'usage'))
             or r.rolname = session_user and pg_has_role(r.oid, 'pulse_owner', 'set')) as administrator
    from pg_roles r
    where exists (select from ours o where o.oid = r.oid or ${acts('r.oid', 'o.oid')})
       or r.oid in (
         select grantee from schemas, aclexplode(nspacl)
         union select grantee from relations, aclexplode(relacl)
         union select grantee from relations join pg_attribute on attrelid = relations.oid, aclexplode(attacl)
         union select grantee from functions, aclexplode(proacl))
  )`

const attributesOf = (role: string) =>
  `array_remove(array[${['SUPER', 'CREATEROLE', 'CREATEDB', 'REPLICATION', 'BYPASSRLS']
    .map(
      (name) =>
        `case when ${role}.rol${name.toLowerCase()} then '${name === 'SUPER' ? 'SUPERUSER' : name}' end`,
    )
    .join(', ')}], null)`

const ROLES = `
  select name, login, administrator, ${attributesOf('r')} as attributes,
         coalesce((
           select json_agg(json_build_object(
             'name', quote_ident(g.rolname), 'predefined', g.oid < 16384, 'attributes', ${attributesOf('g')},
             'via', array(select distinct quote_ident(pg_get_userbyid(m.roleid)) from pg_auth_members m
                          where m.member = r.oid and ${acts('m.roleid', 'g.oid')})
           ) order by g.rolname)
           from pg_roles g
           where g.oid <> r.oid and not r.rolsuper and ${acts('r.oid', 'g.oid')}
         ), '[]') as "memberOf"
  from subjects join pg_roles r using (oid) order by name`

/** The oid 0 is PUBLIC. The owner of all may do all: it is not asked about. */
const RIGHTS = `
  with judged as (
    select oid, name from subjects where not administrator and name <> 'pulse_owner' union all select 0, 'PUBLIC'
  ),
  grantable as (select suffix from unnest(array['', ' WITH GRANT OPTION']) as suffix),
  asked as (
    select name, 'database' as object, p || suffix as privilege, has_database_privilege(j.oid, current_database()::text, p || suffix) as has
    from judged j, grantable, unnest(array['CONNECT', 'CREATE', 'TEMP']) p
    union all
    select name, 'schema ' || nspname, p || suffix, has_schema_privilege(j.oid, n.oid, p || suffix)
    from judged j, grantable, pg_namespace n, unnest(array['USAGE', 'CREATE']) p
    where nspname in ('warehouse', 'audit', 'public')
    union all
    select name, object, p || suffix, has_table_privilege(j.oid, r.oid, p || suffix)
    from judged j, grantable, relations r,
         unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER', 'MAINTAIN']) p
    where relkind <> 'S'
    union all
    select name, object, p || suffix || ' (' || attname || ')',
           not has_table_privilege(j.oid, r.oid, p || suffix) and has_column_privilege(j.oid, r.oid, attnum, p || suffix)
    from judged j, grantable, relations r join pg_attribute a on attrelid = r.oid and attnum > 0 and not attisdropped,
         unnest(array['SELECT', 'INSERT', 'UPDATE', 'REFERENCES']) p
    where by_column
    union all
    select name, 'sequence ' || object, p || suffix, has_sequence_privilege(j.oid, r.oid, p || suffix)
    from judged j, grantable, relations r, unnest(array['USAGE', 'SELECT', 'UPDATE']) p
    where relkind = 'S'
    union all
    select name, object, 'EXECUTE' || suffix, has_function_privilege(j.oid, f.oid, 'EXECUTE' || suffix)
    from judged j, grantable, functions f
    union all
    select name, format('pg_catalog.%I(%s)', proname, oidvectortypes(proargtypes)), 'EXECUTE',
           has_function_privilege(j.oid, p.oid, 'EXECUTE')
    from judged j, pg_proc p where ${SERVER_FUNCTIONS}
  )
  select name as role, object, privilege as "right" from asked where has`

const UNSAFE = `
  select object from functions
  where prosecdef and not exists (
    select from unnest(proconfig) as setting where setting ~ '^search_path=' and setting ~ '(=|[, ])pg_temp"?$')
  order by 1`

const FOREIGN = `
  select object, quote_ident(pg_get_userbyid(owner)) as owner
  from (
    select 'schema ' || nspname as object, nspowner as owner from schemas
    union all select object, relowner from relations where relkind <> 'S'
    union all select object, proowner from functions
  ) owned
  where owner <> (select oid from pg_roles where rolname = 'pulse_owner')
  order by 1`

const OBJECTS = `
  select object from relations where relkind <> 'S'
  union all select object from functions
  union all select object || ' (' || attname || ')'
            from relations r join pg_attribute on attrelid = r.oid and attnum > 0 and not attisdropped`

const list = (name: keyof EffectiveRights, sql: string) =>
  `(select coalesce(json_agg(found), '[]') from (${sql}) as found) as "${name}"`

/** One statement, so that a role which somebody makes meanwhile is in all of it or in nothing. */
const EFFECTIVE = `${SUBJECTS}
  select ${list('roles', ROLES)}, ${list('rights', RIGHTS)}, ${list('foreign', FOREIGN)},
         array(${UNSAFE}) as "unsafeFunctions", array(${OBJECTS}) as objects,
         (select json_build_object('name', quote_ident(datname), 'owner', quote_ident(pg_get_userbyid(datdba)))
          from pg_database where datname = current_database()) as database`

/** Reads catalogues only, as any role. In a transaction it sees what that has changed so far. */
export async function readRights(client: ClientBase): Promise<EffectiveRights> {
  const { rows } = await client.query<Omit<EffectiveRights, 'objects'> & { objects: string[] }>(EFFECTIVE)
  return { ...rows[0]!, objects: new Set(rows[0]!.objects) }
}
