import type { ClientBase } from 'pg'
import type { Fact } from './types.ts'
import { hundredths, int8s, texts, timestamps } from '../postgres/binary-arrays.ts'

const MICROS_PER_MINUTE = 60_000_000

interface Cell {
  readonly key: string
  readonly minuteMicros: number
  readonly currency: string
  readonly category: string
  transactions: number
  flagged: number
  // A batch may hold more money than a number holds to the cent: 9,008 of the largest amounts are enough.
  amountCents: bigint
  taxCents: bigint
  flaggedCents: bigint
}

/**
 * Adds facts to the rollup, in the transaction that inserts them, so that the two never differ.
 *
 * Each cell is added once (a statement may not touch a row twice) and in the key's order; the partition
 * is part of the key, and its progress row is locked, so nobody else writes these cells meanwhile.
 */
export async function addToRollup(
  client: ClientBase,
  facts: readonly Fact[],
  partition: number,
): Promise<void> {
  const cells = aggregate(facts)
  await client.query({
    name: 'add-to-rollup',
    text: `insert into warehouse.sales_by_minute as s
             (minute, source_partition, currency, product_category, transactions, flagged, amount, tax_amount, flagged_amount)
           select c.minute, $1, c.currency, c.category, c.transactions, c.flagged, c.amount, c.tax, c.flagged_amount
           from unnest($2::timestamptz[], $3::text[], $4::text[], $5::int8[], $6::int8[], $7::numeric[], $8::numeric[], $9::numeric[])
             as c (minute, currency, category, transactions, flagged, amount, tax, flagged_amount)
           on conflict (minute, source_partition, currency, product_category) do update set
             transactions = s.transactions + excluded.transactions,
             flagged = s.flagged + excluded.flagged,
             amount = s.amount + excluded.amount,
             tax_amount = s.tax_amount + excluded.tax_amount,
             flagged_amount = s.flagged_amount + excluded.flagged_amount`,
    values: [
      partition,
      timestamps(cells.map((cell) => cell.minuteMicros)),
      texts(cells.map((cell) => cell.currency)),
      texts(cells.map((cell) => cell.category)),
      int8s(cells.map((cell) => cell.transactions)),
      int8s(cells.map((cell) => cell.flagged)),
      hundredths(cells.map((cell) => cell.amountCents)),
      hundredths(cells.map((cell) => cell.taxCents)),
      hundredths(cells.map((cell) => cell.flaggedCents)),
    ],
  })
}

/**
 * Puts what was computed anew of facts in the place of what the rollup holds of them, in the transaction
 * that updates them. Count and amount are the messages' own and stay.
 *
 * The partition is part of the key, and the caller has locked its progress row: nobody else writes these
 * cells meanwhile, so the order in which the statement comes to them does not matter.
 *
 * @param before the same facts as `after`, with the tax and the flag that the rollup holds.
 * @throws Error where a cell is not there: rollup and facts differed before.
 */
export async function replaceInRollup(
  client: ClientBase,
  before: readonly Fact[],
  after: readonly Fact[],
  partition: number,
): Promise<void> {
  const old = aggregate(before)
  const cells = aggregate(after)
  const { rowCount } = await client.query({
    name: 'replace-in-rollup',
    text: `update warehouse.sales_by_minute s set
             flagged = s.flagged - c.old_flagged + c.flagged,
             tax_amount = s.tax_amount - c.old_tax + c.tax,
             flagged_amount = s.flagged_amount - c.old_flagged_amount + c.flagged_amount
           from unnest($2::timestamptz[], $3::text[], $4::text[], $5::int8[], $6::int8[], $7::numeric[], $8::numeric[],
                       $9::numeric[], $10::numeric[])
             as c (minute, currency, category, old_flagged, flagged, old_tax, tax, old_flagged_amount, flagged_amount)
           where s.minute = c.minute and s.source_partition = $1 and s.currency = c.currency
             and s.product_category = c.category`,
    values: [
      partition,
      timestamps(cells.map((cell) => cell.minuteMicros)),
      texts(cells.map((cell) => cell.currency)),
      texts(cells.map((cell) => cell.category)),
      int8s(old.map((cell) => cell.flagged)),
      int8s(cells.map((cell) => cell.flagged)),
      hundredths(old.map((cell) => cell.taxCents)),
      hundredths(cells.map((cell) => cell.taxCents)),
      hundredths(old.map((cell) => cell.flaggedCents)),
      hundredths(cells.map((cell) => cell.flaggedCents)),
    ],
  })
  if (rowCount !== cells.length)
    throw new Error(`the rollup has ${rowCount} of the ${cells.length} cells of these facts`)
}

function aggregate(facts: readonly Fact[]): Cell[] {
  const cells = new Map<string, Cell>()
  for (const fact of facts) {
    const minute = Math.floor(fact.timestampMicros / MICROS_PER_MINUTE)
    const key = `${minute} ${fact.currency} ${fact.productCategory}`
    let cell = cells.get(key)
    if (cell === undefined) {
      cell = {
        key,
        minuteMicros: minute * MICROS_PER_MINUTE,
        currency: fact.currency,
        category: fact.productCategory,
        transactions: 0,
        flagged: 0,
        amountCents: 0n,
        taxCents: 0n,
        flaggedCents: 0n,
      }
      cells.set(key, cell)
    }
    cell.transactions += 1
    const amount = BigInt(fact.amountCents)
    cell.amountCents += amount
    cell.taxCents += BigInt(fact.taxCents)
    if (fact.isFraudFlagged) {
      cell.flagged += 1
      cell.flaggedCents += amount
    }
  }
  return [...cells.values()].sort((a, b) => a.minuteMicros - b.minuteMicros || (a.key < b.key ? -1 : 1))
}
