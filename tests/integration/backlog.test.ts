import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { messages } from '../../producer/messages.ts'
import { sendRaw } from '../support/kafka.ts'
import { aWorld } from '../support/world.ts'

const RECORDS = 100_000
const CHUNK = 5_000

/**
 * A backlog that was held whole, as objects, would need some 250 MB of heap. The resident limit is loose:
 * it has the fetched and decompressed bytes, Node itself (55 MB) and what the collector has not taken yet.
 */
const MAX_HEAP_MB = 96
const MAX_RESIDENT_MB = 350

test(
  'a backlog of 100,000 records is drained in one run, exactly, in bounded memory',
  { timeout: 120_000 },
  async () => {
    const world = await aWorld({ partitions: 2 })
    const stream = messages({ seed: 3, now: Date.now, invalidRatio: 0.01, duplicateRatio: 0.05 })
    const counts = { valid: 0, duplicate: 0, conflicting: 0, invalid: 0 }
    for (let sent = 0; sent < RECORDS; sent += CHUNK) {
      const chunk = Array.from({ length: CHUNK }, () => stream.next().value)
      for (const { kind } of chunk) counts[kind] += 1
      // By the key’s last letter: a record and its repeats are in one partition.
      const records = chunk.map(({ key, value }) => ({
        key,
        value,
        partition: key.charCodeAt(key.length - 1) % 2,
      }))
      await sendRaw(world, records, { gzip: true })
    }

    const etl = world.startEtl({ NODE_OPTIONS: `--max-old-space-size=${MAX_HEAP_MB}` })
    const run = await etl.waitForLine(({ msg, consumed }) => msg === 'run' && consumed !== 0, {
      limitMs: 90_000,
    })

    expect(run).toMatchObject({
      consumed: RECORDS,
      loaded: counts.valid,
      duplicate: counts.duplicate,
      deadLettered: counts.conflicting + counts.invalid,
    })
    expect(mostResident(etl.pid)).toBeLessThan(MAX_RESIDENT_MB)
    expect(await etl.stop()).toBe(0)
    await world.drained()
    await world.assertBalanced()
  },
)

/** The most that a process ever had resident, in MB; 0 where that can't be told (only Linux says it). */
function mostResident(pid: number): number {
  if (process.platform !== 'linux') return 0
  const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kilobytes) / 1_024
}
