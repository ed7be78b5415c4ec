import type { Action } from '../../../etl/operations/actions.ts'
import { readDeadLetter, type DeadLetter } from '../../../etl/dead-letters/letter.ts'
import type { DeadLetterLine } from '../../../etl/dead-letters/list.ts'
import { originOf } from '../../../etl/ledger/dead-letters.ts'
import { print, printJson, second } from '../output.ts'
import { printable } from '../../../etl/text/printable.ts'
import { inSession } from '../session.ts'
import { plainText, renderPayload } from './payload.ts'

export async function showDeadLetter(
  id: number,
  { json = false, full = false }: { json?: boolean; full?: boolean },
): Promise<void> {
  await inSession(async ({ pool }) => {
    const letter = await readDeadLetter(pool, id)
    if (json) printJson(asJson(letter))
    else print(render(letter, full))
  })
}

function asJson(letter: DeadLetter) {
  const headers = letter.headers.map(({ key, value }) => ({ key, value: asPayload(value) }))
  return { ...letter, key: asPayload(letter.key), value: asPayload(letter.value), headers }
}

/** The bytes for programs, and the text for eyes where there is one. */
function asPayload(bytes: Buffer | null) {
  if (bytes === null) return null
  return { bytes: bytes.length, base64: bytes.toString('base64'), text: plainText(bytes) ?? null }
}

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
    ...(letter.redrivenAt === null ? [] : [`Sent again ${second(letter.redrivenAt)}, outcome not known yet`]),
    ...(letter.redriveOf === null
      ? [`Attempts   ${letter.attempts} failed again`]
      : [`Redrive of ${letter.redriveOf}`]),
    ...letter.chain.filter(({ id }) => id !== letter.id).map(chainLine),
    ...letter.actions.map(actionLine),
  ]
  const payloads = [
    ...letter.headers.flatMap(({ key, value }) => renderPayload(`Header ${key}`, value, full)),
    ...renderPayload('Key', letter.key, full),
    ...renderPayload('Value', letter.value, full),
  ]
  return [...lines, '', ...payloads].map(printable).join('\n')
}

function chainLine({ id, createdAt, redriveOf, resolution, resolvedAt }: DeadLetterLine): string {
  const what = redriveOf === null ? 'First      ' : 'Attempt    '
  return `${what}${id}, ${second(createdAt)}: ${resolvedAt === null ? 'open' : (resolution ?? 'resolved')}`
}

function actionLine({ id, action, requestedBy, requestedAt, status, reason }: Action): string {
  return `Action     ${id}, ${second(requestedAt)}: ${action} by ${requestedBy}, ${status}${reason === null ? '' : ` (${reason})`}`
}
