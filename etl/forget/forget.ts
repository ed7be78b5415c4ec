import type { ClientBase, Pool } from 'pg'
import { and, eq } from '../postgres/drizzle.ts'
import { on } from '../postgres/query.ts'
import { TIMEOUTS } from '../postgres/pool.ts'
import { commit, inTransaction, rollback } from '../postgres/transaction.ts'
import {
  ACTION,
  ActionRefused,
  lockForgetting,
  recordAction,
  UNFINISHED,
  type Operator,
} from '../operations/actions.ts'
import { operatorActions } from '../schema/operations.ts'
import { streams } from '../schema/audit.ts'
import type { Stream } from '../stream/compile.ts'
import type { Definition } from '../stream/definition.ts'
import { personalColumns, type PersonalColumn } from '../stream/personal.ts'
import type { RecordKey } from '../stream/record-key.ts'
import { isEach } from '../stream/stored.ts'
import { findLetters, type LettersFound } from './letters.ts'
import { findKeys, personalMeasures, readCounted, type Keys } from './rows.ts'

export interface ForgetRequest {
  readonly keys: readonly RecordKey[]
  /** Dead letters that the operator has looked at, beside those whose record has one of the keys. */
  readonly deadLetters: readonly number[]
  readonly reason: string
  /** Only says what would be forgotten. */
  readonly dryRun: boolean
}

/** How many of each were overwritten. */
export interface Forgotten {
  /** Facts, or versions. */
  readonly facts: number
  /** Of these, those that were not forgotten before. */
  readonly anew: number
  readonly currentRows: number
  readonly lines: number
  readonly deadLetters: number
  /** Corrected values of redrives that were kept. */
  readonly payloads: number
}

export interface ForgetReport extends Forgotten {
  /** Of the action that has it on record; null of a dry run. */
  readonly actionId: number | null
  /** Dead letters that may be about these keys and are left as they are: their records can't be read. */
  readonly perhaps: readonly number[]
  readonly undecodable: number
}

/** @throws ActionRefused where nothing of a stream can be forgotten. */
export function requireForgettable(definition: Definition): void {
  const { name } = definition
  if (personalColumns(definition).length === 0)
    throw new ActionRefused(
      `${name} has no personal field, so there is nothing to forget: its declaration marks one by { personal: true }.`,
    )
  if (isEach(definition))
    throw new ActionRefused(
      `${name} has no identity, each record is one: there is no key by which its records could be found.`,
    )
}

/**
 * Overwrites what is personal of these records, wherever the warehouse has it, in one transaction: facts or versions, lines
 * and current rows, dead letters, and the rollups with them. What counts stays, and what was forgotten is on record.
 *
 * Why it is right beside everything else: audit.forget says it of loads, replays and housekeeping. A redrive reads a dead
 * letter's bytes and sends them in a step that holds no lock; so none of this stream may be under way, and whoever
 * asks for one takes the same advisory lock, until this has ended.
 *
 * @throws ActionRefused where it makes no sense now; nothing was changed then.
 */
export async function forget(
  pool: Pool,
  stream: Stream,
  by: Operator,
  { keys, deadLetters, reason, dryRun }: ForgetRequest,
): Promise<ForgetReport> {
  requireForgettable(stream.definition)
  await requireSamePersonal(pool, stream.definition)
  // Both may take long, so they come before the locks. What is loaded meanwhile is not meant, but for dead letters, of which a
  // redrive could make such a record again.
  const began = await readNow(pool)
  const rows = await findKeys(pool, stream, keys)
  const earlier = await findLetters(pool, stream, keys)
  return inTransaction<ForgetReport>(pool, async (client) => {
    await lockForgetting(client)
    await requireNoRedrive(client, stream.name)
    await lockStream(client, stream.name)
    // A load that was under way then has begun before, but not long before.
    const since = new Date(began.getTime() - 2 * TIMEOUTS.transaction)
    const later = await findLetters(client, stream, keys, since)
    const found = together(earlier, later)
    const letters = [...new Set([...found.letters, ...deadLetters])]
    await requireLetters(client, stream.name, deadLetters)
    await requireNoneWaits(client, letters)
    if (rows.length === 0 && letters.length === 0) throw nothingFound(stream, found)

    const action = await recordAction(client, by, {
      action: 'forget',
      stream: stream.name,
      target: { keys, deadLetters: letters },
      reason,
      status: 'succeeded',
    })
    const forgotten = await overwrite(
      client,
      stream,
      rows,
      { letters, redrives: [...found.redrives] },
      action.id,
    )
    await on(client)
      .update(operatorActions)
      .set({ result: { ...forgotten } })
      .where(eq(ACTION.id, action.id))
    const report = {
      ...forgotten,
      actionId: dryRun ? null : action.id,
      perhaps: [...found.perhaps].filter((id) => !letters.includes(id)),
      undecodable: found.undecodable.size,
    }
    return dryRun ? rollback(report) : commit(report)
  })
}

/** The rollups are corrected by what they held of these rows, in the cells of the rows' own partitions. */
async function overwrite(
  client: ClientBase,
  stream: Stream,
  rows: Keys,
  { letters, redrives }: { readonly letters: readonly number[]; readonly redrives: readonly number[] },
  actionId: number,
): Promise<Forgotten> {
  const isMeasured = personalMeasures(stream.definition).length > 0
  const before = isMeasured ? await readCounted(client, stream, rows) : new Map<number, never>()
  const { rows: counted } = await client.query<Forgotten>(
    `select facts, anew, current_rows as "currentRows", lines, dead_letters as "deadLetters", payloads
     from audit.forget($1, $2, $3, $4, $5)`,
    [stream.name, JSON.stringify(rows), letters, redrives, actionId],
  )
  if (isMeasured) {
    const after = await readCounted(client, stream, rows)
    for (const [sourcePartition, facts] of after)
      for (const rollup of stream.rollups)
        await rollup.add(client, facts, sourcePartition, before.get(sourcePartition) ?? [])
  }
  return counted[0]!
}

/** Before anything is read that is then written: the order is that of audit.forget, which takes them again. */
async function lockStream(client: ClientBase, stream: string): Promise<void> {
  await client.query(`select pg_advisory_xact_lock(hashtext('pulse: housekeeping'))`)
  await client.query(
    `select from audit.partition_progress where stream = $1 order by topic, partition for update`,
    [stream],
  )
}

const together = (one: LettersFound, other: LettersFound): LettersFound => ({
  letters: one.letters.union(other.letters),
  perhaps: one.perhaps.union(other.perhaps),
  undecodable: one.undecodable.union(other.undecodable),
  redrives: other.redrives,
})

async function readNow(pool: Pool): Promise<Date> {
  const { rows } = await pool.query<{ now: Date }>('select now() as now')
  return rows[0]!.now
}

const sorted = (columns: readonly PersonalColumn[] = []): string[] =>
  columns.map(({ table, column, marker }) => JSON.stringify([table, column, marker])).sort()

/** @throws ActionRefused where the warehouse was migrated for a declaration that says of other columns that they are personal. */
async function requireSamePersonal(pool: Pool, definition: Definition): Promise<void> {
  const [there] = await on(pool)
    .select({ personal: streams.personal })
    .from(streams)
    .where(eq(streams.name, definition.name))
  const [known, declared] = [sorted(there?.personal), sorted(personalColumns(definition))]
  if (known.join() !== declared.join())
    throw new ActionRefused(
      `The warehouse doesn't know which columns of ${definition.name} are personal by this declaration: run npm run migrate.`,
    )
}

/** @throws ActionRefused that names a redrive that is not finished: it may have read what is to be forgotten. */
async function requireNoRedrive(client: ClientBase, stream: string): Promise<void> {
  const [other] = await on(client)
    .select({ id: ACTION.id })
    .from(operatorActions)
    .where(and(eq(ACTION.action, 'redrive'), eq(ACTION.stream, stream), UNFINISHED))
    .limit(1)
  if (other !== undefined)
    throw new ActionRefused(
      `Redrive ${other.id} is not finished and may send what is to be forgotten. Wait for it, or stop it: pulse actions stop ${other.id}`,
    )
}

async function requireLetters(client: ClientBase, stream: string, ids: readonly number[]): Promise<void> {
  const { rows } = await client.query<{ id: number }>(
    `select id from unnest($1::int8[]) as id where not exists (
       select from audit.dead_letters d join audit.partition_progress p using (topic, partition)
       where d.id = id.id and p.stream = $2)`,
    [ids, stream],
  )
  if (rows[0] !== undefined) throw new ActionRefused(`${stream} has no dead letter ${rows[0].id}.`)
}

/** @throws ActionRefused where a record was sent again and is not loaded yet: it would be loaded after it was forgotten. */
async function requireNoneWaits(client: ClientBase, ids: readonly number[]): Promise<void> {
  const { rows } = await client.query<{ id: number }>(
    `select id from audit.dead_letters where id = any($1::int8[]) and redriven_at is not null and resolved_at is null
     order by id limit 1`,
    [ids],
  )
  if (rows[0] !== undefined)
    throw new ActionRefused(
      `Dead letter ${rows[0].id} was sent again, and what became of it is not known yet: wait for the next run, or dismiss it, then repeat this.`,
    )
}

function nothingFound({ definition, identity }: Stream, { perhaps }: LettersFound): ActionRefused {
  const title = definition.identity.title ?? definition.title
  const letters =
    perhaps.size === 0
      ? ''
      : ` Dead letters whose records can't be read have it in their bytes: ${[...perhaps].join(', ')}; add --dead-letter.`
  return new ActionRefused(
    `The warehouse has no ${title} and no dead letter with this ${identity.fields.join(' and ')}: nothing was changed.${letters}`,
  )
}
