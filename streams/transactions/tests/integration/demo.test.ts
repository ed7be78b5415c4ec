import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Client } from 'pg'
import { pino } from 'pino'
import { afterEach, describe, expect, inject, test } from 'vitest'
import { readConfig } from '../../../../etl/process/config.ts'
import { createKafka } from '../../../../etl/kafka/client.ts'
import { withAdmin } from '../../../../etl/kafka/topics.ts'
import { childrenOf } from '../../../../scripts/servers/processes.ts'
import { isAlive } from '../../../../tests/support/processes.ts'
import { waitFor } from '../../../../tests/support/wait-for.ts'

const program = fileURLToPath(new URL('../../../../scripts/demo.ts', import.meta.url))
const started: ChildProcess[] = []
afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL')
})

/** The demo, which shows this stream, on the servers of all tests, as somebody's own. */
function startDemo(seconds: string, args: readonly string[] = []) {
  const child = spawn(process.execPath, [program, ...args], {
    env: {
      PATH: process.env['PATH'],
      KAFKA_BROKERS: inject('kafkaBrokers'),
      DATABASE_URL: inject('databaseUrl'),
      PULSE_SERVERS: 'given',
      DEMO_SECONDS: seconds,
    },
    // A group of its own, as a shell makes for what runs in a terminal.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  started.push(child)
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (text: Buffer) => (output += text.toString()))
  const ended = once(child, 'close')
  return {
    pid: Number(child.pid),
    output: () => output,
    /** Its exit code, or the signal that ended it. 'close': what cleans up after it has gone, too. */
    ended: async () => {
      const [code, signal] = (await ended) as [number | null, NodeJS.Signals | null]
      return code ?? signal
    },
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
    /** As the terminal does: to the whole group. */
    ctrlC: () => process.kill(-Number(child.pid), 'SIGINT'),
    kill: () => child.kill('SIGKILL'),
    untilRecordsAreLoaded: () =>
      waitFor('a run with records', () => /[1-9]\d* loaded/.test(output), { limitMs: 30_000 }),
  }
}
type Demo = ReturnType<typeof startDemo>

/** What it made on the servers and is still there. It must have said what it made. */
async function leftOf(demo: Demo): Promise<Record<string, string[]>> {
  const name = /database pulse_demo_([0-9a-f]+)/.exec(demo.output())?.[1]
  if (name === undefined) throw new Error(`It made no database:\n${demo.output()}`)
  const client = new Client({ connectionString: inject('databaseUrl') })
  await client.connect()
  const { rows } = await client.query<{ datname: string }>('select datname from pg_database')
  await client.end()
  const config = readConfig(['kafka'], { KAFKA_BROKERS: inject('kafkaBrokers') })
  const kafka = createKafka(config, pino({ level: 'silent' }), 'demo-test')
  return withAdmin(kafka, async (admin) => {
    const { groups } = await admin.listGroups()
    return {
      databases: those(
        name,
        rows.map(({ datname }) => datname),
      ),
      topics: those(name, await admin.listTopics()),
      groups: those(
        name,
        groups.map(({ groupId }) => groupId),
      ),
    }
  })
}
const those = (part: string, names: readonly string[]): string[] =>
  names.filter((name) => name.includes(part))
const NOTHING = { databases: [], topics: [], groups: [] }

const lastLine = (demo: Demo): string => demo.output().trimEnd().split('\n').at(-1) ?? ''

test('shows the runs and the accounts, balances, and leaves nothing on servers that are not its own', async () => {
  const demo = startDemo('6')
  expect({ code: await demo.ended(), output: demo.output() }).toMatchObject({ code: 0 })
  expect(lastLine(demo)).toMatch(/^Balanced: [\d,]+ consumed = [\d,]+ loaded \+/)
  expect(demo.output()).toMatch(/run +\d+ +[\d,]+ consumed = +[\d,]+ loaded .* lag 0\n/)
  for (const heading of ['Sales', 'Top categories', 'Fraud: ', 'Rejected: ', 'every record: '])
    expect(demo.output()).toContain(heading)
  expect(demo.output()).not.toContain('differs')
  expect(await leftOf(demo)).toEqual(NOTHING)
})

test('after Ctrl-C it still loads what was sent, gives its accounts and leaves nothing', async () => {
  const demo = startDemo('0')
  await demo.untilRecordsAreLoaded()
  demo.ctrlC()
  expect({ code: await demo.ended(), output: demo.output() }).toMatchObject({ code: 0 })
  expect(lastLine(demo)).toMatch(/^Balanced: /)
  expect(await leftOf(demo)).toEqual(NOTHING)
})

describe('leaves neither processes nor anything on the servers', () => {
  test('when Ctrl-C is pressed again', async () => {
    const demo = startDemo('0')
    await demo.untilRecordsAreLoaded()
    const processes = childrenOf(demo.pid)
    // Within a second of the first it is the same wish.
    await waitFor('its end', () => demo.hasEnded() || (demo.ctrlC(), false), { everyMs: 200 })
    expect(await demo.ended()).toBe(130)
    await expect.poll(() => processes.filter(isAlive), { timeout: 15_000 }).toEqual([])
    expect(await leftOf(demo)).toEqual(NOTHING)
  })

  test('when it is killed', async () => {
    const demo = startDemo('0')
    await demo.untilRecordsAreLoaded()
    const processes = childrenOf(demo.pid)
    expect(processes.length).toBeGreaterThanOrEqual(4)
    demo.kill()
    expect(await demo.ended()).toBe('SIGKILL')
    await expect.poll(() => processes.filter(isAlive), { timeout: 15_000 }).toEqual([])
    expect(await leftOf(demo)).toEqual(NOTHING)
  })

  test('when the ETL ends by itself, and says so', async () => {
    const demo = startDemo('0')
    await demo.untilRecordsAreLoaded()
    const [, , etl] = childrenOf(demo.pid) // after the removal and the watchdog
    process.kill(Number(etl), 'SIGKILL')
    expect(await demo.ended()).toBe(1)
    expect(demo.output()).toMatch(/The ETL ended by itself \(ended by SIGKILL\)\. Its last words:\n {2}\d\d:/)
    expect(await leftOf(demo)).toEqual(NOTHING)
  })
})

test.each([
  [
    'a DEMO_SECONDS that is no number',
    'soon',
    [],
    'DEMO_SECONDS "soon" is not a whole number from 0 (until Ctrl-C)',
  ],
  ['an option that it does not have', '1', ['--fast'], "Unknown option '--fast'"],
])('%s is refused with exit code 2 before anything is started', async (_, seconds, args, message) => {
  const demo = startDemo(seconds, args)
  expect(await demo.ended()).toBe(2)
  expect(demo.output()).toContain(message)
  expect(demo.output()).not.toContain('servers:')
})

test('--help says what it does and what its exit codes mean', async () => {
  const demo = startDemo('soon', ['--help'])
  expect(await demo.ended()).toBe(0)
  expect(demo.output()).toMatch(/^Usage: npm run demo\n[^]*DEMO_SECONDS[^]*Exit codes: 0 /)
})
