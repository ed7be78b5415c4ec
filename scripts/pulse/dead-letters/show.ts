import type { Issue } from '../../../etl/types.ts'
import { CommandFailed } from '../errors.ts'
import { print, printJson, second } from '../output.ts'
import { printable } from '../printable.ts'
import { inSession } from '../session.ts'
import { originOf } from './list.ts'
import { plainText, renderPayload } from './payload.ts'

/** As the job stores it: values in base64, and so a key that jsonb can't hold. */
interface StoredHeader {
  readonly key: string
  readonly keyIsBase64?: true
  readonly value: string | null
}

interface DeadLetter {
  readonly id: number
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly incarnation: number
  readonly kafkaTimestamp: Date
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly StoredHeader[]
  readonly code: string
  readonly issues: readonly Issue[]
  readonly batchId: string
  readonly attempts: number
  readonly redriveOf: string | null
  readonly createdAt: Date
  readonly publishedAt: Date | null
  readonly resolvedAt: Date | null
  readonly resolution: string | null
}

export async function showDeadLetter(
  id: number,
  { json = false, full = false }: { json?: boolean; full?: boolean },
): Promise<void> {
  await inSession(async ({ pool }) => {
    const { rows } = await pool.query<DeadLetter>(
      `select id, topic, partition, "offset", incarnation, kafka_timestamp as "kafkaTimestamp", key, value, headers, code,
              issues, batch_id as "batchId", attempts, redrive_of as "redriveOf", created_at as "createdAt",
              published_at as "publishedAt", resolved_at as "resolvedAt", resolution
       from audit.dead_letters where id = $1`,
      [id],
    )
    const letter = rows[0]
    if (letter === undefined) throw new CommandFailed(`There is no dead letter ${id}.`)
    if (json) printJson(asJson(letter))
    else print(render(letter, full))
  })
}

function asJson(letter: DeadLetter) {
  const headers = letter.headers.map((header) => ({ key: keyOf(header), value: asPayload(valueOf(header)) }))
  return { ...letter, key: asPayload(letter.key), value: asPayload(letter.value), headers }
}

/** The bytes for programs, and the text for eyes where there is one. */
function asPayload(bytes: Buffer | null) {
  if (bytes === null) return null
  return { bytes: bytes.length, base64: bytes.toString('base64'), text: plainText(bytes) ?? null }
}

const keyOf = ({ key, keyIsBase64 }: StoredHeader): string =>
  keyIsBase64 === true ? Buffer.from(key, 'base64').toString() : key

const valueOf = ({ value }: StoredHeader): Buffer | null =>
  value === null ? null : Buffer.from(value, 'base64')

const when = (at: Date | null, otherwise: string): string => (at === null ? otherwise : second(at))

function render(letter: DeadLetter, full: boolean): string {
  const lines = [
    `Dead letter ${letter.id} of ${originOf(letter)}`,
    `Code       ${letter.code}`,
    ...letter.issues.map(({ message }, i) => `${i === 0 ? 'Issues     ' : '           '}${message}`),
    `Batch      ${letter.batchId}`,
    `Stored     ${second(letter.kafkaTimestamp)} by Kafka`,
    `Rejected   ${second(letter.createdAt)}`,
    `Published  ${when(letter.publishedAt, 'not yet')}`,
    `Resolved   ${when(letter.resolvedAt, 'no')}${letter.resolution === null ? '' : ` (${letter.resolution})`}`,
    `Attempts   ${letter.attempts} redriven`,
    ...(letter.redriveOf === null ? [] : [`Redrive of ${letter.redriveOf}`]),
  ]
  const payloads = [
    ...letter.headers.flatMap((header) => renderPayload(`Header ${keyOf(header)}`, valueOf(header), full)),
    ...renderPayload('Key', letter.key, full),
    ...renderPayload('Value', letter.value, full),
  ]
  return [...lines, '', ...payloads].map(printable).join('\n')
}
