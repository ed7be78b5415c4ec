import { parseArgs } from 'node:util'
import { SCENARIO_NAMES, SCENARIOS, type ScenarioName } from './scenarios.ts'

/** An option of the benchmark that is not accepted. A TypeError with a code, as `parseArgs` throws them. */
export class BadOption extends TypeError {
  override readonly name = 'BadOption'
  readonly code = 'BAD_OPTION'

  /**
   * @param value undefined of an option that takes none.
   * @param problem and what is accepted.
   */
  constructor(option: string, value: string | undefined, problem: string) {
    super(`${option}${value === undefined ? '' : ` ${JSON.stringify(value.slice(0, 80))}`}: ${problem}`)
  }
}

/** Every scenario with every number of partitions and batch size. */
export interface MatrixOptions {
  readonly kind: 'matrix'
  readonly records: number
  readonly scenarios: readonly ScenarioName[]
  readonly partitions: readonly number[]
  readonly batchSizes: readonly number[]
  readonly statements: boolean
}

/** One scenario, by this checkout and by another commit. */
export interface AgainstOptions {
  readonly kind: 'against'
  readonly commit: string
  readonly pairs: number
  readonly records: number
  readonly scenario: ScenarioName
  readonly partitions: number
  readonly batchSize: number
}

const DEFAULTS = {
  records: 200_000,
  scenarios: SCENARIO_NAMES,
  partitions: [3, 1],
  batchSizes: [1_000],
  against: { scenario: 'mix', partitions: 3, batchSize: 1_000 },
  pairs: 9,
} as const

/** Fewer pairs than nine make an interval of 95 % out of the two most extreme ones. */
const LIMITS = {
  records: [1_000, 100_000_000],
  partitions: [1, 100],
  batchSize: [1, 100_000],
  pairs: [9, 99],
} as const

const scenarios = SCENARIO_NAMES.map((name) => `    ${name.padEnd(8)} ${SCENARIOS[name].about}`).join('\n')
const { against } = DEFAULTS

export const HELP = `Usage: npm run bench -- [options]
       make bench ARGS="[options]"

Drains topics with the ETL, holds the warehouse against what was sent, and copies the same rows with COPY on the
same Postgres in one run. Says facts per second, their ratio to COPY, CPU as a multiple of COPY's, and memory.

Examples:
  npm run bench                                     the whole matrix: some minutes
  npm run bench -- --scenario mix --statements      which statement takes how long
  npm run bench -- --partitions 3 --batch-size 1000,5000 --records 500000
  npm run bench -- --against main                   is this version slower than that one?
  npm run bench -- --against HEAD~1 --scenario v4 --pairs 15

Options:
  --records N          records of each topic, 1000 to 100000000 (${DEFAULTS.records})
  --scenario LIST      of these, with commas (all):
${scenarios}
  --partitions LIST    partitions of the topic, 1 to 100 (${DEFAULTS.partitions.join()})
  --batch-size LIST    BATCH_SIZE, 1 to 100000 (${DEFAULTS.batchSizes.join()})
  --statements         drains each topic once more, one partition after the other, and says how long the worker waits
                       for each SQL statement
  --against COMMIT     drains one topic by this checkout, as it is, and by that commit in turn, each into a
                       database migrated by its own version, and compares them pair by pair. One scenario,
                       number of partitions and batch size (${against.scenario}, ${against.partitions}, ${against.batchSize})
  --pairs N            of --against, 9 to 99 (${DEFAULTS.pairs})
  -h, --help           this text

Takes its servers as the tests do (PULSE_SERVERS, or KAFKA_BROKERS and DATABASE_URL); makes databases and topics of
its own there and removes them. Postgres' CPU is seen of local servers only.
Exit codes: 0 measured, and with --against no slower; 1 failed, or the warehouse is not as sent; 2 usage;
6 slower than COMMIT: the whole interval of the ratio of speeds is below 0.97, so by more than 3 %.`

/** @throws BadOption, or what `parseArgs` says of an option that there is not. */
export function readOptions(
  args: readonly string[],
): MatrixOptions | AgainstOptions | { readonly kind: 'help' } {
  const text = { type: 'string' } as const
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: 'boolean', short: 'h' },
      records: text,
      scenario: text,
      partitions: text,
      'batch-size': text,
      statements: { type: 'boolean' },
      against: text,
      pairs: text,
    },
  })
  if (values.help === true) return { kind: 'help' }
  const records = wholeNumber('--records', values.records, LIMITS.records) ?? DEFAULTS.records
  const lists = {
    scenarios: listOf(values.scenario, scenarioName),
    partitions: listOf(values.partitions, (n) => wholeNumber('--partitions', n, LIMITS.partitions)),
    batchSizes: listOf(values['batch-size'], (n) => wholeNumber('--batch-size', n, LIMITS.batchSize)),
  }
  if (values.against === undefined) {
    if (values.pairs !== undefined)
      throw new BadOption('--pairs', values.pairs, 'it goes with --against COMMIT only')
    return {
      kind: 'matrix',
      records,
      scenarios: lists.scenarios ?? DEFAULTS.scenarios,
      partitions: lists.partitions ?? DEFAULTS.partitions,
      batchSizes: lists.batchSizes ?? DEFAULTS.batchSizes,
      statements: values.statements ?? false,
    }
  }
  if (values.statements === true)
    throw new BadOption('--statements', undefined, 'it does not go with --against')
  return {
    kind: 'against',
    commit: commitName(values.against),
    pairs: wholeNumber('--pairs', values.pairs, LIMITS.pairs) ?? DEFAULTS.pairs,
    records,
    scenario: theOnly('--scenario', lists.scenarios) ?? DEFAULTS.against.scenario,
    partitions: theOnly('--partitions', lists.partitions) ?? DEFAULTS.against.partitions,
    batchSize: theOnly('--batch-size', lists.batchSizes) ?? DEFAULTS.against.batchSize,
  }
}

/** Of values with commas between them, each once. */
function listOf<T>(text: string | undefined, read: (item: string) => T | undefined): T[] | undefined {
  if (text === undefined) return undefined
  return [...new Set(text.split(','))].flatMap((item) => read(item) ?? [])
}

function wholeNumber(
  option: string,
  text: string | undefined,
  [min, max]: readonly [number, number],
): number | undefined {
  if (text === undefined) return undefined
  const n = Number(text)
  if (!/^\d+$/.test(text) || n < min || n > max)
    throw new BadOption(option, text, `it is not a whole number from ${min} to ${max}`)
  return n
}

function scenarioName(text: string): ScenarioName {
  const name = SCENARIO_NAMES.find((known) => known === text)
  if (name === undefined)
    throw new BadOption('--scenario', text, `it is none of ${SCENARIO_NAMES.join(', ')}`)
  return name
}

/** What git would take for an option of its own, or for nothing, is no commit. */
function commitName(text: string): string {
  if (text === '' || text.startsWith('-'))
    throw new BadOption('--against', text, 'it takes a commit, tag or branch of this repository')
  return text
}

function theOnly<T>(option: string, values: readonly T[] | undefined): T | undefined {
  if (values !== undefined && values.length > 1)
    throw new BadOption(option, values.join(), `with --against it takes one value, not ${values.length}`)
  return values?.[0]
}
