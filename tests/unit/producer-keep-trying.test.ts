import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import { isTemporary, keepTrying } from '../../producer/publish.ts'

const noBroker = (): Error => {
  const first = Object.assign(new Error('connect ECONNREFUSED'), { retriable: true })
  return Object.assign(new Error('gave up', { cause: first }), { retriable: false })
}
const refused = Object.assign(new Error('not authorised'), { retriable: false })

/** Fails with these errors, one a call, then succeeds. */
function failing(...errors: Error[]) {
  const state = { calls: 0 }
  const work = (): Promise<string> => {
    const error = errors[state.calls++]
    return error === undefined ? Promise.resolve('done') : Promise.reject(error)
  }
  return { state, work }
}

function aLogger() {
  const lines: { level: number; msg: string; reason?: string }[] = []
  const logger = pino({}, { write: (line: string) => lines.push(JSON.parse(line)) })
  return { logger, lines }
}

describe('work that fails', () => {
  test('for want of a broker is done again until it succeeds, and each failure is told', async () => {
    const { logger, lines } = aLogger()
    const { state, work } = failing(noBroker(), noBroker(), noBroker())
    await expect(keepTrying('sending', work, logger, undefined, 0)).resolves.toBe('done')
    expect(state.calls).toBe(4)
    expect(lines).toHaveLength(3)
    expect(lines[0]).toMatchObject({ level: 40, msg: 'sending failed, trying again', reason: 'gave up' })
  })

  test('for good is not done again', async () => {
    const { state, work } = failing(noBroker(), refused)
    await expect(keepTrying('sending', work, aLogger().logger, undefined, 0)).rejects.toBe(refused)
    expect(state.calls).toBe(2)
  })

  test('is not done again after a stop', async () => {
    const { state, work } = failing(noBroker())
    await expect(keepTrying('connecting', work, aLogger().logger, AbortSignal.abort(), 0)).rejects.toThrow(
      'gave up',
    )
    expect(state.calls).toBe(1)
  })
})

test.each([
  ['the mark of a cause', noBroker(), true],
  ['its own mark', Object.assign(new Error('timeout'), { retriable: true }), true],
  ['no mark', new Error('bug'), false],
  ['a mark that says no', refused, false],
  ['no error at all', 'bug', false],
])('an error with %s', (_name, error, temporary) => {
  expect(isTemporary(error)).toBe(temporary)
})
