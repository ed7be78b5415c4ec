import { stream } from '../../support/stream.ts'

/** A call of the job on what it reaches the world through: etl/worker/connections.ts, Connections. */
export type Call = 'fetch' | 'query' | 'publish' | 'rest of publish' | 'commit offset' | 'leave'

/** Where in the job a worker of the fault suite stops and waits: before a call, when it was sent, or after it. */
interface Point {
  readonly when: 'before' | 'sent' | 'after'
  readonly call: Call
  /** Of a query in a load's transaction: its name, or its first word where it has none. */
  readonly statement?: string
  /** How often a partition's first watermark, in a transaction of its own, passes it before the first load does. */
  readonly first?: number
}

/** Every moment of the job at which it matters whether it ends there. */
export const POINTS = {
  'after fetch': { when: 'after', call: 'fetch' },
  'after BEGIN': { when: 'after', call: 'query', statement: 'begin', first: 1 },
  'watermark locked': { when: 'after', call: 'query', statement: 'lock-progress' },
  'mid-statement': { when: 'sent', call: 'query', statement: `${stream.name}: insert facts` },
  'before COMMIT': { when: 'before', call: 'query', statement: 'commit', first: 1 },
  'COMMIT sent, answer not read': { when: 'sent', call: 'query', statement: 'commit', first: 1 },
  'before publish': { when: 'before', call: 'publish' },
  'mid-publish': { when: 'before', call: 'rest of publish' },
  'published, not marked': { when: 'after', call: 'publish' },
  'before offset commit': { when: 'before', call: 'commit offset' },
  'during shutdown': { when: 'before', call: 'leave' },
} as const satisfies Record<string, Point>

export type PointName = keyof typeof POINTS

export const POINT_NAMES = Object.keys(POINTS) as PointName[]

/** Environment of struck-worker.ts: the point, and how often the job passes it before it stops there. */
export const strikeAt = (point: PointName, passes = 0) => ({
  STRIKE_AT: point,
  STRIKE_PASSES: String(passes),
})

/** What a worker writes when it has come to the point. */
export const reached = (point: string) => `struck: ${point}`

/** Tells a worker that waits at its point to go on. */
export const GO_ON = 'SIGUSR2'
