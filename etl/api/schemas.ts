import { z } from 'zod'
import { DEAD_LETTER_CODES } from '../schema/audit.ts'
import { RUN_KINDS, RUN_STATUSES } from '../status/runs.ts'

/** What the API answers with: each schema checks an answer and describes it in the OpenAPI document. */

const count = z.int().min(0)
export const list = <T extends z.ZodType>(items: T) => z.array(items).readonly()
const milliseconds = z.number().nullable()

export const Problem = z.object({
  error: z.object({
    code: z.string().describe('For programs: invalid, refused, not_found …'),
    message: z.string().describe('For people: what is wrong and what to do.'),
  }),
})
/** Of every route. */
export const PROBLEMS = { '4xx': Problem, '5xx': Problem } as const

export const Action = z.object({
  id: z.int(),
  action: z.string(),
  target: z.record(z.string(), z.unknown()).describe('What it acts on.'),
  reason: z.string().nullable(),
  requestedBy: z.string(),
  via: z.enum(['console', 'api', 'pulse']),
  requestedAt: z.date(),
  status: z.enum(['pending', 'running', 'stopping', 'stopped', 'succeeded', 'failed']),
  total: count.nullable().describe('Dead letters, or offsets of a replay, as counted at first.'),
  done: count,
  result: z.record(z.string(), z.unknown()).nullable(),
  error: z.string().nullable(),
  runId: z.int().nullable(),
  worker: z.string().nullable(),
  finishedAt: z.date().nullable(),
})

export const Run = z.object({
  id: z.int(),
  kind: z.enum(RUN_KINDS),
  worker: z.string(),
  status: z.enum(RUN_STATUSES),
  startedAt: z.date(),
  finishedAt: z.date().nullable(),
  durationMs: milliseconds,
  batches: count,
  consumed: count,
  loaded: count,
  duplicate: count,
  deadLettered: count,
  retries: count,
  error: z.string().nullable(),
})

export const Status = z.object({
  at: z.date(),
  topic: z.string(),
  groupId: z.string(),
  kafka: z.object({
    brokers: z.string(),
    clusterId: z.string().nullable(),
    topicExists: z.boolean().nullable(),
    error: z.string().nullable(),
  }),
  partitions: list(
    z.object({
      partition: z.int(),
      incarnation: z.int().nullable(),
      watermark: z.int().nullable(),
      logStart: z.int().nullable(),
      logEnd: z.int().nullable(),
      lag: z.int().nullable(),
      groupOffset: z.int().nullable(),
      stoppedAt: z.date().nullable(),
      stopCode: z.string().nullable(),
      stopReason: z.string().nullable(),
    }),
  ),
  isReadOnly: z.boolean().describe('The warehouse takes no writes: a standby, or set so.'),
  paused: z.object({ since: z.date(), by: z.string().nullable(), reason: z.string().nullable() }).nullable(),
  lastRun: Run.nullable(),
  freshness: z.object({
    newestRecordAt: z.date().nullable(),
    newestRecordAgeMs: milliseconds,
    batches: count,
    waitedP50Ms: milliseconds,
    waitedP95Ms: milliseconds,
    waitedP99Ms: milliseconds,
  }),
  workers: z
    .array(
      z.object({ name: z.string(), partitions: z.array(z.int()).readonly(), problem: z.string().nullable() }),
    )
    .readonly(),
  openAlerts: count,
  openDeadLetters: count.describe('At most 10,000 are counted.'),
  unpublishedDeadLetters: count,
  openDataLosses: count,
})

const code = z.enum(DEAD_LETTER_CODES)
export const Issue = z.object({
  field: z.string().describe('Empty where the record as a whole is meant.'),
  message: z.string(),
})

export const DeadLetterGroup = z.object({
  failure: z.string().describe('The code, and the field of the first issue: what a filter takes.'),
  code,
  field: z.string(),
  count,
  waiting: count.describe('Sent again, and the outcome is not known yet.'),
  firstAt: z.date(),
  lastAt: z.date(),
  sample: z.object({ id: z.int(), message: z.string().nullable() }),
})

export const DeadLetterLine = z.object({
  id: z.int(),
  topic: z.string(),
  partition: z.int(),
  offset: z.int(),
  incarnation: z.int(),
  code,
  failure: z.string(),
  issues: list(Issue),
  batchId: z.string(),
  keyBytes: count.nullable(),
  valueBytes: count.nullable(),
  attempts: count.describe('How often it failed again after a redrive.'),
  redriveOf: z.string().nullable(),
  createdAt: z.date(),
  publishedAt: z.date().nullable(),
  redrivenAt: z.date().nullable(),
  resolvedAt: z.date().nullable(),
  resolution: z.string().nullable(),
})

const Bytes = z
  .object({
    bytes: count,
    base64: z.string().describe('The bytes as they are.'),
    text: z.string().nullable().describe('The same as text where it is UTF-8.'),
  })
  .nullable()

export const DeadLetter = DeadLetterLine.extend({
  kafkaTimestamp: z.date(),
  runId: z.int().nullable(),
  key: Bytes,
  value: Bytes,
  headers: list(z.object({ key: z.string(), value: Bytes })),
  chain: list(DeadLetterLine).describe('The first dead letter and its later attempts, oldest first.'),
  actions: list(Action),
})

export const CheckedValue = z.union([
  z.object({ accepted: z.literal(true) }),
  z.object({ accepted: z.literal(false), code, issues: list(Issue) }),
])

export const DataLoss = z.object({
  topic: z.string(),
  partition: z.int(),
  incarnation: z.int(),
  from: z.int(),
  to: z.int().describe('One past the last.'),
  detectedAt: z.date(),
  acknowledgedBy: z.string().nullable(),
  reason: z.string().nullable(),
})

export const Alert = z.object({
  id: z.int(),
  rule: z.string(),
  scope: z.string(),
  severity: z.string(),
  summary: z.string(),
  firstAction: z.string(),
  startedAt: z.date(),
  endedAt: z.date().nullable().describe('Null while it goes on.'),
  notifications: list(
    z.object({
      event: z.enum(['started', 'ended']),
      channel: z.string(),
      state: z.enum(['waiting', 'sent', 'given up']),
      attempts: count,
      sentAt: z.date().nullable(),
      nextAttemptAt: z.date(),
      lastError: z.string().nullable(),
    }),
  ),
})

export const TestResult = z.object({ channel: z.string(), ok: z.boolean(), error: z.string().nullable() })

/** A page of a list; `next` is what `before` takes for the older ones, null at the end. */
export const pageSchema = <T extends z.ZodType>(items: T) =>
  z.object({ items: list(items), next: z.int().nullable() })

/** Those that stand in the OpenAPI document once, by name, so that generated clients have names too. */
for (const [id, schema] of Object.entries({
  Problem,
  Action,
  Run,
  DeadLetterLine,
  DeadLetter,
  DeadLetterGroup,
}))
  z.globalRegistry.add(schema, { id })
