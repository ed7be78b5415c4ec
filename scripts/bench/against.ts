import { aligned } from '../../etl/text/table.ts'
import { withBacklog } from './backlog.ts'
import type { Checkout } from './checkout.ts'
import { measureDrain, type Bench, type Measured } from './measure.ts'
import type { AgainstOptions } from './options.ts'
import { SCENARIOS } from './scenarios.ts'
import { compare, judge, type Comparison, type Verdict } from './verdict.ts'

/** The same backlog, drained by both right after each other. */
export interface Pair {
  readonly first: 'this' | 'that'
  readonly this: Measured
  readonly that: Measured
}

/**
 * Drains one backlog by two checkouts in turn: this that, that this, and so on, so that neither has always the
 * place after the other, nor the better hour. Each first once without being counted: caches are cold then.
 */
export function measurePairs(
  bench: Bench,
  checkouts: { readonly this: Checkout; readonly that: Checkout },
  options: AgainstOptions,
): Promise<Pair[]> {
  const of = { ...options, scenario: SCENARIOS[options.scenario] }
  return withBacklog(bench.servers, of, async (backlog) => {
    const drain = (side: 'this' | 'that') =>
      measureDrain(bench, checkouts[side], { backlog, batchSize: options.batchSize })
    process.stderr.write('draining it once by each, not counted\n')
    await drain('this')
    await drain('that')
    const pairs: Pair[] = []
    for (let n = 1; n <= options.pairs; n++) {
      const first = n % 2 === 1 ? 'this' : 'that'
      const second = first === 'this' ? 'that' : 'this'
      const drains = { [first]: await drain(first), [second]: await drain(second) }
      const pair = { first, this: drains['this']!, that: drains['that']! } as const
      process.stderr.write(`pair ${n} of ${options.pairs}: ${(pair.this.rate / pair.that.rate).toFixed(3)}\n`)
      pairs.push(pair)
    }
    return pairs
  })
}

/** What the pairs say; the verdict is of the speed alone. */
export function renderPairs(
  pairs: readonly Pair[],
  names: { readonly this: string; readonly that: string },
): { readonly text: string; readonly verdict: Verdict } {
  const rows = pairs.map((pair, index) => [
    `pair ${index + 1}, ${pair.first} first`,
    rate(pair.this),
    rate(pair.that),
    ...[speed, etlCpu, postgresCpu].map((ratio) => ratio(pair)?.toFixed(3) ?? 'n/a'),
  ])
  const header = ['', 'this facts/s', 'that facts/s', 'this / that', 'ETL CPU', 'Postgres CPU']
  const compared = compare(pairs.map(speed))
  const verdict = judge(compared)
  const { rank, level } = compared.interval
  const text = `this: ${names.this}, that: ${names.that}

${aligned([header, ...rows]).join('\n')}

${[
  summary('facts/s, this / that', compared),
  cpuSummary('ETL CPU, this / that', pairs.map(etlCpu)),
  cpuSummary('Postgres CPU, this / that', pairs.map(postgresCpu)),
].join('\n')}
The interval is the sign test's: the values of rank ${rank} from below and from above of ${pairs.length} hold the
true median with probability ${(level * 100).toFixed(2)} %, whatever the distribution.

${verdict.words}`
  return { text, verdict }
}

const rate = (measured: Measured): string => Math.round(measured.rate).toLocaleString('en')
const speed = (pair: Pair): number => pair.this.rate / pair.that.rate
const etlCpu = (pair: Pair): number => pair.this.cpuSeconds / pair.that.cpuSeconds

/** Of the runs alone where both versions tell it, else of both workers' whole lives. */
function postgresCpu(pair: Pair): number | undefined {
  const measures = ['postgresCpuSeconds', 'postgresCpuSecondsInAll'] as const
  const [measure] = measures.filter((one) => pair.this[one] !== undefined && pair.that[one] !== undefined)
  return measure && pair.this[measure]! / pair.that[measure]!
}

function cpuSummary(what: string, ratios: readonly (number | undefined)[]): string {
  const known = ratios.filter((ratio) => ratio !== undefined)
  return known.length === ratios.length ? summary(what, compare(known)) : `${what}: n/a`
}

function summary(what: string, { median, interval: { low, high } }: Comparison): string {
  return `${what}: median ${median.toFixed(3)}, interval ${low.toFixed(3)} to ${high.toFixed(3)}`
}
