import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { waitFor } from '../support/wait-for.ts'

const path = (name: string) => fileURLToPath(new URL(`../../producer/${name}`, import.meta.url))

/** The command with an environment of its own, to its end. */
function command(args: string[], env: Record<string, string> = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [path('main.ts'), ...args], {
    env,
    encoding: 'utf8',
  })
  return { status, stdout, stderr }
}

describe('the command line', () => {
  test('--help says what it does, which variables it reads and how it ends', () => {
    const { status, stdout, stderr } = command(['--help'])
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    for (const name of ['MIN_INTERVAL_MS', 'MAX_INTERVAL_MS', 'RATE', 'LIMIT', 'INVALID_RATIO', 'SEED']) {
      expect(stdout).toContain(`PRODUCER_${name}`)
    }
  })

  test.each([
    ['an unknown option', ['--fast'], {}, '--fast'],
    ['an argument', ['fast'], {}, 'fast'],
    ['a missing variable', [], {}, 'KAFKA_BROKERS is not set'],
    ['a bad value', [], { KAFKA_BROKERS: 'localhost:9092', PRODUCER_RATE: 'fast' }, 'PRODUCER_RATE "fast"'],
    [
      'shares that exceed the whole',
      [],
      { KAFKA_BROKERS: 'localhost:9092', PRODUCER_INVALID_RATIO: '0.7', PRODUCER_DUPLICATE_RATIO: '0.5' },
      'PRODUCER_DUPLICATE_RATIO together are above 1',
    ],
  ])('%s ends it with 2 and a sentence', (_case, args, env, sentence) => {
    const { status, stdout, stderr } = command(args, env)
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
    expect(stderr).toContain(sentence)
    expect(stderr).not.toContain('    at ')
  })
})

describe('signals', () => {
  /** A program that never finishes what it has in hand. */
  const STUCK = `
    import { stopSignal } from ${JSON.stringify(path('../etl/process/stop-signal.ts'))}
    const log = (fields, message) => process.stdout.write(message + '\\n')
    stopSignal({ info: log, warn: log }, 'it never ends')
    setInterval(() => {}, 3_600_000)
    log({}, 'ready')`

  test('another one more than a second after the first ends the program at once, an earlier one doesn’t', async () => {
    const child = spawn(process.execPath, ['--input-type=module', '--eval', STUCK], { stdio: 'pipe' })
    const exited = once(child, 'exit')
    let output = ''
    child.stdout.on('data', (data: Buffer) => (output += data.toString()))
    await waitFor('the program to be ready', () => output.includes('ready'))

    child.kill('SIGTERM')
    await waitFor('the first signal to be taken', () => output.includes('stopping'))
    const stoppedAt = performance.now()
    await waitFor('a later signal to end it', () => child.exitCode !== null || void child.kill('SIGINT'))

    expect(performance.now() - stoppedAt).toBeGreaterThan(900)
    expect(await exited).toEqual([130, null])
    expect(output.match(/stopping/g)).toHaveLength(1)
  })
})
