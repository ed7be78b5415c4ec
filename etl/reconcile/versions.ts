import { names, pick } from '../stream/columns.ts'
import type { Stream } from '../stream/compile.ts'
import { storedColumns, versionFields } from '../stream/stored.ts'
import { viewNames } from '../stream/views.ts'
import { count } from '../text/wording.ts'
import { findMismatches, Findings } from './findings.ts'
import { topicsOf } from '../ledger/watermark.ts'
import { sql } from '../postgres/drizzle.ts'
import { on } from '../postgres/query.ts'
import { missedDeletions } from '../schema/audit.ts'
import { keepsTooShort } from '../housekeeping/retention.ts'
import type { TopicNow } from './log.ts'
import type { CheckResult } from './report.ts'
import type { Snapshot } from './snapshot.ts'

interface OfKey {
  readonly name: string
  readonly newest: string | null
  readonly current: string | null
}

/**
 * The current row of a key is the newest version in its history, in every column and with its origin; each key that has
 * a history has one, deleted or not, and no other is there.
 */
export async function checkCurrent(snapshot: Snapshot, stream: Stream): Promise<CheckResult> {
  const { definition, name, counted: history } = stream
  const { stored, derived } = storedColumns(definition)
  const key = pick(stored, stream.identity.fields)
  const version = pick(stored, versionFields(definition))
  const all = `source_partition, incarnation, source_offset, ${names([...stored, ...derived])}`
  const ofOneKey = key.map((one) => `h.${one.name} = c.${one.name}`).join(' and ')
  const shown = (table: string) =>
    `case when ${table}.source_offset is not null then concat_ws(':', ${names(version, table)}) end`
  const descending = version.map((one) => `${one.name} desc`).join(', ')
  const findings = await findMismatches<OfKey>(
    snapshot,
    `select case when c.source_offset is null then 'no current row' when h.source_offset is null then 'no history'
                 when ${shown('h')} <> ${shown('c')} then 'not the newest' else 'differs' end as kind,
            coalesce(concat_ws(', ', ${names(key, 'h')}), concat_ws(', ', ${names(key, 'c')})) as sort,
            concat_ws(', ', ${key.map((one) => `coalesce(h.${one.name}, c.${one.name})`).join(', ')}) as name,
            ${shown('h')} as newest, ${shown('c')} as current
     from (select distinct on (${names(key)}) ${all} from warehouse.${history} order by ${names(key)}, ${descending}) h
     full join (select ${all} from warehouse.${name}) c on ${ofOneKey}
     where row(h.*) is distinct from row(c.*)`,
    ({ name: of }) => `${definition.identity.title ?? definition.title} ${of}`,
    currentSentence,
  )
  const { rows } = await snapshot.query<{ keys: number; versions: number }>(
    `select (select count(*) from warehouse.${name}) as keys, (select count(*) from warehouse.${history}) as versions`,
  )
  const { keys, versions } = rows[0]!
  return {
    rule: 'the current row of each key is the newest version of its history, deleted or not',
    scope: `${count(keys, 'key')}, ${count(versions, 'version')}`,
    findings,
  }
}

function currentSentence({ kind, newest, current }: OfKey & { kind: string }): string {
  if (kind === 'no current row') return `its newest version is ${newest}, but it has no current row`
  if (kind === 'no history') return `its current row is version ${current}, but it has no history`
  if (kind === 'not the newest') return `its current row is version ${current}, its newest version ${newest}`
  return `its current row has other values than version ${newest} in its history`
}

/**
 * The times in which the versions of a key were valid tile: each begins where the one before ended, and one that is
 * current has no end. Between what was deleted and its return there is a gap.
 */
export async function checkValidity(snapshot: Snapshot, stream: Stream): Promise<CheckResult> {
  const { definition, name } = stream
  const { stored } = storedColumns(definition)
  const key = pick(stored, stream.identity.fields)
  const version = names(pick(stored, versionFields(definition)))
  const [live, versions] = viewNames(definition)
  const findings = await findMismatches<{ name: string }>(
    snapshot,
    `select kind, name as sort, name from (
       select concat_ws(', ', ${names(key)}) as name,
              case when valid_to < valid_from then 'ends before it begins'
                   when lead(valid_from) over (partition by ${names(key)} order by ${version}) < valid_to then 'overlaps'
                   when valid_to is null and lead(valid_from) over (partition by ${names(key)} order by ${version}) is not null
                     then 'has no end' end as kind
       from warehouse.${versions!}
       union all
       select concat_ws(', ', ${key.map((one) => `coalesce(v.${one.name}, l.${one.name})`).join(', ')}), 'is current in one view only'
       from (select * from warehouse.${versions!} where is_current) v
       full join warehouse.${live!} l using (${names(key)})
       where v.source_offset is distinct from l.source_offset
     ) judged where kind is not null`,
    ({ name: of }) => `${definition.identity.title ?? definition.title} ${of}`,
    ({ kind }) => `a version of it ${kind}`,
  )
  return {
    rule: 'the times of the versions of each key tile',
    scope: `warehouse.${name}_versions`,
    findings,
  }
}

/** No deletion was missed: what a compacted log may have lost before it was read is found by a sweep. */
export async function checkDeletions(snapshot: Snapshot, { name }: Stream): Promise<CheckResult> {
  const { topic, partition, readUntil, noticedAt, sweptAt } = missedDeletions
  const rows = await on(snapshot)
    .select({ topic, partition, readUntil, noticedAt, sweptAt })
    .from(missedDeletions)
    .where(sql`${topic} = any(${topicsOf(name)})`)
    .orderBy(topic, partition, readUntil)
  const findings = new Findings()
  for (const one of rows)
    if (one.sweptAt === null)
      findings.add(
        'may have been missed',
        `${one.topic}/${one.partition}`,
        `what Kafka stored after ${one.readUntil.toISOString()} was not read until ${one.noticedAt.toISOString()}, which is longer than the ` +
          `topic keeps tombstones (delete.retention.ms): pulse streams sweep ${name} --reason …`,
      )
  return {
    rule: 'no deletion was missed: records were read before the topic forgot which keys are deleted',
    scope: `${count(rows.length, 'long absence')}, ${rows.filter((one) => one.sweptAt !== null).length} swept`,
    findings: findings.groups,
  }
}

/** Facts that are dropped for their age can't come again: of a stream that says how long it keeps them. */
export function checkRetention(
  { definition }: Stream,
  { settings }: Pick<TopicNow, 'settings'>,
): CheckResult {
  const { keep, maxAge } = definition
  const problem = keepsTooShort(definition, settings)
  return {
    rule: 'what is dropped for its age is too old to be loaded again',
    scope: `keep ${keep}, maxAge ${maxAge}`,
    findings:
      problem === undefined
        ? []
        : [{ kind: 'too short', total: 1, examples: [{ subject: definition.name, message: problem }] }],
  }
}

/** What a rebuild would lack, in a sentence: of versions all that ever changed is wanted. */
export function forgetful({ name, current }: Stream, { settings, compacted }: TopicNow): string | undefined {
  if (current === undefined || compacted || settings['retention.ms'] === '-1') return undefined
  return `the topic of ${name} keeps its records for ${settings['retention.ms']} ms: a rebuild would hold only what changed since; keep them for ever, or compact it`
}
