import { withClient } from '../with-client.ts'
import type { Sent } from './preload.ts'

/** What the warehouse says of a drained topic. */
export interface Books {
  readonly facts: number
  readonly keys: number
  readonly deadLetters: number
  /** Sums over the ledger. */
  readonly consumed: number
  readonly loaded: number
  readonly duplicate: number
  readonly deadLettered: number
}

/** A figure of a drain that lost or doubled records would be worth nothing. @throws Error that says what differs. */
export async function checkBooks(databaseUrl: string, sent: Sent): Promise<void> {
  const wrong = differences(sent, await readBooks(databaseUrl))
  if (wrong.length > 0) throw new Error(`the drain's books are not what was sent:\n  ${wrong.join('\n  ')}`)
}

/** One sentence for each count that is not as sent, and for a ledger that does not balance. */
export function differences(sent: Sent, books: Books): string[] {
  const expected: Books = {
    facts: sent.facts,
    keys: sent.facts,
    deadLetters: sent.deadLetters,
    consumed: sent.records,
    loaded: sent.facts,
    duplicate: sent.duplicates,
    deadLettered: sent.deadLetters,
  }
  const wrong = (Object.keys(expected) as (keyof Books)[])
    .filter((count) => books[count] !== expected[count])
    .map((count) => `${NAMES[count]}: ${books[count]} where ${expected[count]} were expected`)
  const { consumed, loaded, duplicate, deadLettered } = books
  if (consumed !== loaded + duplicate + deadLettered)
    wrong.push(
      `ledger: ${consumed} consumed, but ${loaded} loaded, ${duplicate} duplicate and ${deadLettered} dead-lettered`,
    )
  return wrong
}

const NAMES: Readonly<Record<keyof Books, string>> = {
  facts: 'facts',
  keys: 'order keys',
  deadLetters: 'dead letters',
  consumed: 'consumed by the ledger',
  loaded: 'loaded by the ledger',
  duplicate: 'duplicates by the ledger',
  deadLettered: 'dead-lettered by the ledger',
}

/** Plain tables that every release has, as this may be the warehouse of another checkout. */
function readBooks(databaseUrl: string): Promise<Books> {
  return withClient(databaseUrl, async (client) => {
    const { rows } = await client.query<Books>(
      `select (select count(*) from warehouse.transactions)::float8 as facts,
              (select count(*) from warehouse.order_keys)::float8 as keys,
              (select count(*) from audit.dead_letters)::float8 as "deadLetters",
              coalesce(sum(consumed), 0)::float8 as consumed, coalesce(sum(loaded), 0)::float8 as loaded,
              coalesce(sum(duplicate), 0)::float8 as duplicate,
              coalesce(sum(dead_lettered), 0)::float8 as "deadLettered"
       from audit.pipeline_batches`,
    )
    return rows[0]!
  })
}
