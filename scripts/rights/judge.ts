import type { ClientBase } from 'pg'
import type { Definition } from '../../etl/stream/definition.ts'
import { retiredTables } from '../migration/streams.ts'
import { OF_ENGINE, ofStreams, type Declared, type ObjectRights } from './declared.ts'
import { readRights, type EffectiveRights, type Right, type RoleFacts } from './effective.ts'

interface RightsFinding {
  /** A warning is about what only an administrator of the server can change: it shuts no gate. */
  readonly level: 'error' | 'warning'
  readonly message: string
  /** What mends it. */
  readonly statement: string
}

const GROUPS = ['pulse_loader', 'pulse_reader'] as const satisfies readonly (keyof ObjectRights)[]
const OURS: readonly string[] = [...GROUPS, 'pulse_owner']
const ADVISORY = Object.keys(OF_ENGINE).filter((object) => object.startsWith('pg_catalog.'))
const isGroup = (name: string) => GROUPS.some((group) => group === name)
type RightOn = Pick<Right, 'object' | 'right'>
const keyOf = ({ object, right }: RightOn) => `${right} on ${object}`

/**
 * Holds the rights that are there against those that are declared. Too wide is what lets a role do more
 * than it should; missing is what the ETL or a dashboard would fail for.
 */
function judgeRights(effective: EffectiveRights, declared: Declared): RightsFinding[] {
  const wide = new Map(effective.roles.map((role) => [role.name, [...tooMuchPower(role)]]))
  return [
    ...[...wide.values()].flat(),
    ...ownedElsewhere(effective),
    // Whose power is too wide has rights by it, which no revoke takes away.
    ...grantedTooMuch(effective, declared, (name) => (wide.get(name) ?? []).length > 0),
    ...missing(effective, declared),
    ...effective.unsafeFunctions.map((name) =>
      error(
        `${name} acts with its owner's rights, and the caller's search_path decides what its names mean`,
        `alter function ${name} set search_path = pg_catalog, pg_temp`,
      ),
    ),
  ]
}

/** Attributes and memberships of our roles and of the logins that are members of them. */
function* tooMuchPower(role: RoleFacts): Generator<RightsFinding> {
  const ours = OURS.includes(role.name)
  const member = role.memberOf.some(({ name }) => OURS.includes(name))
  if (role.administrator || !(ours || member)) return
  for (const attribute of role.attributes)
    yield error(`${role.name} has ${attribute}`, `alter role ${role.name} no${attribute.toLowerCase()}`)
  const reach = role.memberOf.filter(
    ({ name, predefined, attributes, via }) =>
      (ours || name === 'pulse_owner' || predefined || attributes.length > 0) &&
      // What it has by our groups alone is said of them.
      (ours || !via.every(isGroup)),
  )
  if (reach.length === 0) return
  const named = reach.map(({ name, attributes, via }) => {
    const way = via.includes(name) ? '' : ` by way of ${via.join(', ')}`
    return `${[name, ...attributes].join(' with ')}${way}`
  })
  yield error(
    `${role.name} is a member of ${named.join(', ')}`,
    `revoke ${[...new Set(reach.flatMap(({ via }) => via))].join(', ')} from ${role.name}`,
  )
}

function* ownedElsewhere({ roles, foreign, database }: EffectiveRights): Generator<RightsFinding> {
  for (const { object, owner } of foreign)
    yield error(`${object} belongs to ${owner}`, `alter ${kindOf(object)} owner to pulse_owner`)
  const owner = roles.find(({ name }) => name === database.owner)
  if (owner !== undefined && !owner.administrator && owner.name !== 'pulse_owner')
    yield error(
      `${database.owner} owns the database`,
      `alter database ${database.name} owner to <the login of the migrations>`,
    )
}

function* grantedTooMuch(
  effective: EffectiveRights,
  declared: Declared,
  isWide: (name: string) => boolean,
): Generator<RightsFinding> {
  for (const role of rolesOf(effective)) {
    if (isWide(role)) continue
    const allowed = allowedTo(role, effective, declared)
    const excess = ownRights(effective, role).filter(({ object, right }) => !isIn(allowed, object, right))
    const kept = role === 'PUBLIC' ? excess.filter(isServers) : []
    for (const [object, rights] of byObject(excess.filter((right) => !kept.includes(right))))
      if (!effective.foreign.some((thing) => thing.object === object && thing.owner === role))
        yield error(
          `${role} has ${rights.join(', ')} on ${object}`,
          narrowing(role, object, rights, declared, effective.database.name),
        )
    if (kept.length > 0)
      yield {
        level: 'warning',
        message:
          'everybody may take locks that hold up a migration, and make large objects; this login may not change that, a superuser may, in this database',
        statement: `grant execute on function ${ADVISORY.join(', ')} to pulse_owner, pulse_loader; revoke execute on function ${kept.map(({ object }) => object).join(', ')} from public`,
      }
  }
}

function* missing(effective: EffectiveRights, declared: Declared): Generator<RightsFinding> {
  for (const role of GROUPS) {
    const has = new Set(effective.rights.filter((right) => right.role === role).map(keyOf))
    const lacking = declaredFor(role, declared).filter(
      ({ object, right }) => isThere(effective, object, right) && !isIn(has, object, right),
    )
    for (const [object, rights] of byObject(lacking))
      yield error(
        `${role} lacks ${rights.join(', ')} on ${object}`,
        `grant ${rights.join(', ')} on ${kindOf(object, effective.database.name)} to ${role}`,
      )
  }
}

/** What a role has by itself: not as everybody, nor as a member of a role that is looked at too. */
export function ownRights({ roles, rights }: EffectiveRights, role: string): Right[] {
  const from = new Set(['PUBLIC', ...membershipsOf(role, roles)])
  from.delete(role)
  const elsewhere = new Set(rights.filter((right) => from.has(right.role)).map(keyOf))
  return rights.filter((right) => right.role === role && !elsewhere.has(keyOf(right)))
}

const membershipsOf = (role: string, roles: readonly RoleFacts[]): string[] =>
  (roles.find(({ name }) => name === role)?.memberOf ?? []).map(({ name }) => name)

/** Whoever has rights that can be too many: our groups, everybody, and others who were granted something. */
export function rolesOf({ rights }: EffectiveRights): string[] {
  const named = [...new Set(rights.map(({ role }) => role))].filter(
    (name) => !isGroup(name) && name !== 'PUBLIC',
  )
  return [...GROUPS, ...named, 'PUBLIC']
}

/** A login of ours may what its groups may; somebody else who was granted something, what the reader may. */
function allowedTo(role: string, { roles }: EffectiveRights, declared: Declared): Set<string> {
  if (role === 'PUBLIC') return new Set()
  const memberships = [role, ...membershipsOf(role, roles)]
  const groups = GROUPS.filter((group) => memberships.includes(group))
  return new Set(
    (groups.length > 0 ? groups : ['pulse_reader' as const])
      .flatMap((group) => declaredFor(group, declared))
      .map(keyOf),
  )
}

function declaredFor(group: (typeof GROUPS)[number], declared: Declared): RightOn[] {
  return Object.entries(declared).flatMap(([object, rights]) =>
    (rights[group] ?? []).map((right) => ({ object, right })),
  )
}

/** A database that a migration is yet to reach has not all that is declared. */
function isThere({ objects }: EffectiveRights, object: string, right: string): boolean {
  const { column } = partsOf(right)
  return isOutside(object) || objects.has(column === undefined ? object : `${object} (${column})`)
}

const isServers = ({ object }: Pick<Right, 'object'>) => object.startsWith('pg_catalog.')
const isOutside = (object: string) =>
  object === 'database' || object.startsWith('schema ') || isServers({ object })

export function byObject(rights: readonly RightOn[]): Map<string, string[]> {
  const found = new Map<string, string[]>()
  for (const { object, right } of rights) found.set(object, [...(found.get(object) ?? []), right])
  return found
}

/** `UPDATE (attempts)` is a right on one column. */
export function partsOf(right: string): { name: string; column?: string } {
  const [, name, column] = /^(.*) \((.*)\)$/.exec(right) ?? []
  return name === undefined || column === undefined ? { name: right } : { name, column }
}

/** Who has a right on a table has it on each column. */
const isIn = (keys: ReadonlySet<string>, object: string, right: string) =>
  keys.has(keyOf({ object, right })) || keys.has(keyOf({ object, right: partsOf(right).name }))

const HANDED_ON = ' WITH GRANT OPTION'

/**
 * Takes away what is too much. A right that goes takes its grant option with it, and one on a table those on
 * its columns: of these the declared ones are given again.
 */
function narrowing(
  role: string,
  object: string,
  rights: readonly string[],
  declared: Declared,
  database: string,
): string {
  const where = `on ${kindOf(object, database)}`
  const gone = rights.filter((right) => !right.includes(HANDED_ON))
  const kept = rights
    .filter((right) => right.includes(HANDED_ON))
    .map((right) => right.replace(HANDED_ON, ''))
    .filter((right) => !gone.includes(right))
  const again = GROUPS.filter((group) => group === role)
    .flatMap((group) => declared[object]?.[group] ?? [])
    .filter((right) => !gone.includes(right) && gone.includes(partsOf(right).name))
  return [
    ...(gone.length > 0 ? [`revoke ${gone.join(', ')} ${where} from ${role}`] : []),
    ...(kept.length > 0 ? [`revoke grant option for ${kept.join(', ')} ${where} from ${role}`] : []),
    ...(again.length > 0 ? [`grant ${again.join(', ')} ${where} to ${role}`] : []),
  ].join('; ')
}

/** With the word that a statement wants before it. */
function kindOf(object: string, database = ''): string {
  if (object === 'database') return `database ${database}`
  if (/^(schema|sequence) /.test(object)) return object
  return object.endsWith(')') ? `function ${object}` : `table ${object}`
}

const error = (message: string, statement: string): RightsFinding => ({ level: 'error', message, statement })

/** Who may do what in the warehouse, and what of it is not as declared. */
export interface RightsReport {
  readonly effective: EffectiveRights
  readonly findings: readonly RightsFinding[]
}

/** @param streams those that are declared. */
export async function reportRights(
  client: ClientBase,
  streams: readonly Definition[],
): Promise<RightsReport> {
  const effective = await readRights(client)
  const declared = { ...OF_ENGINE, ...ofStreams(streams, await retiredTables(client, streams)) }
  return { effective, findings: judgeRights(effective, declared) }
}

/** Warnings are allowed. */
export function isAsDeclared({ findings }: RightsReport): boolean {
  return findings.every(({ level }) => level === 'warning')
}
