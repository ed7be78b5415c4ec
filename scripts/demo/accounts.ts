import type { Pool } from 'pg'
import { compile } from '../../etl/stream/compile.ts'
import { recordsOf } from '../../producer/messages.ts'
import { reconcile, renderReconciliation, type ReconcileReport } from '../../etl/reconcile/reconcile.ts'
import { agrees, compare, renderComparison, type Found, type Sent } from './compare.ts'
import { readSales, renderSales } from './sales.ts'
import { table, thousands, wrapped } from './screen.ts'
import type { Workplace } from './workplace.ts'

/** How the producer and the ETL have ended. */
export interface Ending {
  readonly sent: Sent
  /** All that was sent is loaded. */
  readonly drained: boolean
}

/**
 * Shows what became of everything, and proves it: the warehouse against what the producer says that it
 * sent, then the reconciliation, which reads the topics again and asks nobody. Of the first stream, sales, all is
 * shown; of each other one a line.
 *
 * @returns whether it balances.
 */
export async function giveAccounts(
  workplace: Workplace,
  { sent, drained }: Ending,
  say: (text: string) => void,
): Promise<boolean> {
  const { pool, streams } = workplace
  const [first, ...others] = streams
  const sales = await accountFor(workplace, first!, sent)
  say(`\n${renderSales(await readSales(pool), sales.found)}`)
  say(`\n${renderComparison(sales.comparisons, sales.inDoubt)}`)
  say(`\n${dense(renderReconciliation(sales.report))}`)

  const accounts = [sales]
  for (const other of others) accounts.push(await accountFor(workplace, other, sent))
  say(`\n${renderBooks(accounts)}`)
  for (const { report } of accounts.slice(1))
    if (!report.balanced) say(`\n${dense(renderReconciliation(report))}`)

  const problems = [
    ...(drained ? [] : ['not everything was loaded']),
    ...accounts.flatMap(({ name, isAsSent, report }) => [
      ...(isAsSent ? [] : [`the warehouse does not have what was sent of ${name}`]),
      ...(report.balanced ? [] : [`the reconciliation of ${name} found something`]),
    ]),
  ]
  say(problems.length === 0 ? `\n${verdict(accounts)}` : `\nNOT balanced: ${problems.join(', and ')}.`)
  return problems.length === 0
}

/** What became of a stream's records. */
interface Account {
  readonly name: string
  readonly sent: number
  readonly inDoubt: number
  readonly found: Found
  readonly comparisons: ReturnType<typeof compare>
  readonly isAsSent: boolean
  readonly report: ReconcileReport
}

async function accountFor(
  { pool, kafka }: Workplace,
  { definition, config: { KAFKA_TOPIC: topic } }: Workplace['streams'][number],
  { streams: sent }: Sent,
): Promise<Account> {
  const { name } = definition
  const of = sent[name]!
  const found = await readFound(pool, topic)
  const comparisons = compare(of, found, recordsOf(definition).invalidKinds)
  return {
    name,
    sent: of.total,
    inDoubt: of.inDoubt,
    found,
    comparisons,
    isAsSent: agrees(comparisons, of.inDoubt),
    report: await reconcile({ pool, stream: compile(definition), kafka, topic, deep: true }),
  }
}

/** What the ledger and the dead letters say; that they say the truth is what the reconciliation proves. */
async function readFound(pool: Pool, topic: string): Promise<Found> {
  const { rows } = await pool.query<Found>(
    `select coalesce(sum(consumed), 0)::bigint as consumed, coalesce(sum(loaded), 0)::bigint as loaded,
            coalesce(sum(duplicate), 0)::bigint as duplicates,
            array(select jsonb_build_object('code', code, 'count', count(*), 'example', (array_agg(issues -> 0 order by id))[1])
                  from audit.dead_letters where topic = $1 group by code order by count(*) desc, code) as rejected
     from audit.pipeline_batches where topic = $1`,
    [topic],
  )
  return rows[0]!
}

/** A line a stream. */
function renderBooks(accounts: readonly Account[]): string {
  const rows = accounts.map(({ name, sent, isAsSent, report }) => {
    const { consumed, loaded, duplicate, deadLettered } = report.totals
    return [
      name,
      thousands(sent),
      thousands(consumed),
      thousands(loaded),
      thousands(duplicate),
      thousands(deadLettered),
      isAsSent && report.balanced ? 'balanced' : '← NOT balanced',
    ]
  })
  return [
    'Every stream',
    ...table([['stream', 'sent', 'consumed', 'loaded', 'duplicate', 'dead-lettered', ''], ...rows]),
  ].join('\n')
}

function verdict(accounts: readonly Account[]): string {
  const total = (of: 'consumed' | 'loaded' | 'duplicate' | 'deadLettered'): string =>
    thousands(accounts.reduce((sum, { report }) => sum + report.totals[of], 0))
  return `Balanced: ${total('consumed')} consumed = ${total('loaded')} loaded + ${total('duplicate')} duplicate + ${total('deadLettered')} dead-lettered, in ${accounts.length} streams`
}

/** Without its empty lines, and no wider than the rest. */
function dense(text: string): string {
  const lines = text.split('\n').filter((line) => line !== '')
  return lines.map((line) => wrapped(line, '   ')).join('\n')
}
