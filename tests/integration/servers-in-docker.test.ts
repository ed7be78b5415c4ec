import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, inject, onTestFinished, test } from 'vitest'
import { startServers, type Servers } from '../../scripts/servers/index.ts'
import { kafkaAnswers } from '../../scripts/servers/kafka.ts'
import { postgresVersion } from '../../scripts/servers/postgres.ts'
import { waitFor } from '../support/wait-for.ts'

const program = fileURLToPath(new URL('../support/servers-child.ts', import.meta.url))

type Addresses = Pick<Servers, 'kafkaBrokers' | 'databaseUrl'>

async function whoAnswers({ kafkaBrokers, databaseUrl }: Addresses) {
  return {
    kafka: await kafkaAnswers(kafkaBrokers),
    postgres: (await postgresVersion(databaseUrl))?.slice(0, 3) ?? false,
  }
}
const BOTH = { kafka: true, postgres: '17.' }
const NONE = { kafka: false, postgres: false }

describe.skipIf(inject('mode') !== 'docker')('containers', { timeout: 120_000 }, () => {
  let servers: Servers | undefined
  afterEach(() => servers?.stop())

  test('come back after a stop and after a kill on the same ports, and are gone after the end', async () => {
    servers = await startServers({ only: 'docker', say: () => {} })
    for (const end of ['stop', 'kill'] as const) {
      await Promise.all([servers.kafka?.[end](), servers.postgres?.[end]()])
      expect(await whoAnswers(servers)).toEqual(NONE)
      await Promise.all([servers.kafka?.start(), servers.postgres?.start()])
      expect(await whoAnswers(servers)).toEqual(BOTH)
    }
    await servers.stop()
    await expect(servers.kafka?.start()).rejects.toThrow('No such container')
    await expect(servers.postgres?.start()).rejects.toThrow('No such container')
  })

  test('are gone when the program that started them is killed', async () => {
    const child = spawn(process.execPath, [program, 'docker'], { stdio: ['ignore', 'pipe', 'ignore'] })
    onTestFinished(() => void child.kill('SIGKILL'))
    let output = ''
    child.stdout.on('data', (text: Buffer) => (output += text.toString()))
    const json = await waitFor('containers', () => /^ready (.*)\n/.exec(output)?.[1], { limitMs: 90_000 })
    const addresses = JSON.parse(json) as Addresses
    expect(await whoAnswers(addresses)).toEqual(BOTH)
    child.kill('SIGKILL')
    await expect.poll(() => whoAnswers(addresses), { timeout: 20_000 }).toEqual(NONE)
  })
})
