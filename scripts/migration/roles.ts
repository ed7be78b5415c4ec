import type { ClientBase } from 'pg'
import { SERVER_FUNCTIONS } from '../rights/declared.ts'

/** Group roles without login (design: the ETL and Grafana act as one of them, whoever logged in). */
export const ROLES = ['pulse_owner', 'pulse_loader', 'pulse_reader'] as const

/** The roles are missing or out of reach, and this login may not change that. */
export class RolesMissing extends Error {
  override readonly name = 'RolesMissing'
}

/**
 * Makes the roles that are missing and lets this login act as them.
 *
 * Roles belong to the whole server, so two migrations of different databases may meet here, where no
 * advisory lock of one database helps: each statement takes "somebody else just did" for success.
 */
export async function ensureRoles(client: ClientBase): Promise<void> {
  for (const role of ROLES) {
    if (await mayUse(client, role)) continue
    try {
      await client.query(`do $$ begin
        if not exists (select from pg_roles where rolname = '${role}') then
          begin create role ${role} nologin; exception when duplicate_object or unique_violation then null; end;
        end if;
        begin execute format('grant ${role} to %I', session_user); exception when internal_error or unique_violation then null; end;
      end $$`)
    } catch (error) {
      throw new RolesMissing(
        `this login may not make the role ${role} or act as it; let a superuser run once:\n` +
          ROLES.map((name) => `  create role ${name} nologin;`).join('\n') +
          `\n  grant ${ROLES.join(', ')} to <the login of MIGRATION_DATABASE_URL>;`,
        { cause: error },
      )
    }
  }
}

async function mayUse(client: ClientBase, role: string): Promise<boolean> {
  const { rows } = await client.query<{ usable: boolean }>(
    `select exists (select from pg_roles where rolname = $1)
       and (select rolsuper from pg_roles where rolname = session_user)
        or exists (select from pg_auth_members m join pg_roles r on r.oid = m.roleid
                   join pg_roles u on u.oid = m.member
                   where r.rolname = $1 and u.rolname = session_user and m.set_option) as usable`,
    [role],
  )
  return rows[0]?.usable === true
}

/**
 * Database-wide settings and rights that the roles need; repeated harmlessly at each migration. Names that
 * are not qualified are looked for in temporary tables last: nobody slips one in before ours.
 */
export async function prepareDatabase(client: ClientBase): Promise<void> {
  const { rows } = await client.query<{ name: string }>('select quote_ident(current_database()) as name')
  const name = rows[0]!.name
  await client.query(`
    alter database ${name} set search_path to warehouse, audit, public, pg_temp;
    alter database ${name} set timezone to 'UTC';
    revoke all on database ${name} from public;
    revoke all on schema public from public;
    grant connect on database ${name} to ${ROLES.join(', ')};
    grant create on database ${name} to pulse_owner`)
  await closeServerFunctions(client)
}

/**
 * Takes from everybody, in this database, what Postgres gives to everybody and what harms others. Ours keep
 * the locks that end with their transaction. These functions are a superuser's: where this login is none,
 * nothing is done here and the report of the rights names what remains.
 */
async function closeServerFunctions(client: ClientBase): Promise<void> {
  await client.query(`do $$ declare f record; begin
    for f in
      select oid::regprocedure as signature, proname ~ '^pg_(try_)?advisory_xact_lock$' as ours from pg_proc
      where ${SERVER_FUNCTIONS} and pg_has_role(session_user, proowner, 'usage')
        and has_function_privilege('public', oid, 'execute')
    loop
      if f.ours then execute format('grant execute on function %s to pulse_owner, pulse_loader', f.signature); end if;
      execute format('revoke execute on function %s from public', f.signature);
    end loop;
  end $$`)
}
