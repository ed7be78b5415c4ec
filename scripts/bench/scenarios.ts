/** A backlog to be drained: what its records are like, whatever their number and the topic's partitions. */
export interface Scenario {
  readonly name: ScenarioName
  readonly about: string
  /** v7 ids rise with the time of the sale, v4 ids fall anywhere in the index of the key table. */
  readonly ids: 'v4' | 'v7'
  /** `in order`: time runs on from sale to sale. `spread`: anywhere in the last 24 hours, at random. */
  readonly times: 'in order' | 'spread'
  /** Share of records that repeat an order as it was, 0 to 1. */
  readonly duplicates: number
  /** Share of records that must become dead letters, 0 to 1. */
  readonly rejects: number
  /** How the log holds its record batches, by Kafka's name (`compression.type`). */
  readonly compression: 'uncompressed' | 'gzip'
}

export const SCENARIO_NAMES = ['v7', 'v4', 'spread', 'mix'] as const
export type ScenarioName = (typeof SCENARIO_NAMES)[number]

const CLEAN = { times: 'in order', duplicates: 0, rejects: 0, compression: 'uncompressed' } as const

export const SCENARIOS: Readonly<Record<ScenarioName, Scenario>> = {
  v7: { ...CLEAN, name: 'v7', about: 'valid orders in order of time, ids that rise with it', ids: 'v7' },
  v4: { ...CLEAN, name: 'v4', about: 'the same orders with random ids', ids: 'v4' },
  spread: {
    ...CLEAN,
    name: 'spread',
    about: 'v7, but spread over 24 hours at random: nearly every record is a rollup cell of its own',
    ids: 'v7',
    times: 'spread',
  },
  mix: {
    ...CLEAN,
    name: 'mix',
    about: 'random ids, 2 % duplicates, 3 % dead letters, record batches compressed with gzip',
    ids: 'v4',
    duplicates: 0.02,
    rejects: 0.03,
    compression: 'gzip',
  },
}
