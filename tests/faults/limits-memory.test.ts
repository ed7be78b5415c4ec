import { existsSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { expectAcknowledged } from '../support/fault-totals.ts'
import { peakMemoryMb } from '../support/fault-worker.ts'
import { sendRaw } from '../support/kafka.ts'
import { aLiveMessage, aWorld } from '../support/world.ts'

const MB = 1024 * 1024
const PARTITIONS = 4
/** LIMITS_RECORDS=1000 LIMITS_BYTES=1100000 for a longer one. */
const RECORDS = Number(process.env['LIMITS_RECORDS'] ?? 24)
const BYTES = Number(process.env['LIMITS_BYTES'] ?? 3 * MB)
/** More than one record may have at all: its batch is undecodable, and kept as small as it came. */
const HUGE_BYTES = 40 * MB
const LIMIT_MS = 60_000 + RECORDS * 500
const HEAP_MB = 128
/** The heap, Node itself (60 MB), and for each partition what is fetched, decompressed and on its way to Postgres. */
const MEMORY_LIMIT_MB = HEAP_MB + 60 + PARTITIONS * 64

describe.skipIf(!existsSync('/proc/self/status'))('memory is bounded in bytes', () => {
  test(
    'records of many megabytes, on several partitions at once, are drained by a worker with a small heap',
    { timeout: 2 * LIMIT_MS },
    async () => {
      const world = await aWorld({ partitions: PARTITIONS })
      const garbage = nested(BYTES)
      for (let sent = 0; sent < RECORDS; sent += 1) {
        const partition = sent % PARTITIONS
        const record = { value: JSON.stringify(aLiveMessage()), partition }
        await sendRaw(world, [{ value: garbage, partition }, record], { gzip: true })
      }
      await sendRaw(world, [{ value: nested(HUGE_BYTES) }], { gzip: true })

      const etl = world.startEtl({
        NODE_OPTIONS: `--max-old-space-size=${HEAP_MB}`,
        DEAD_LETTER_MAX_RATIO: '1',
      })
      await world.drained({ limitMs: LIMIT_MS })

      expect(await world.facts()).toHaveLength(RECORDS)
      const { rows } = await world.pool.query(
        `select code, count(*)::int as letters, max(octet_length(value)) as bytes from audit.dead_letters
         group by code order by code`,
      )
      expect(rows).toEqual([
        { code: 'schema_violation', letters: RECORDS, bytes: garbage.length },
        { code: 'undecodable', letters: 1, bytes: expect.any(Number) },
      ])
      await world.assertBalanced()
      await expectAcknowledged(world)
      expect(etl.isRunning()).toBe(true)
      expect(peakMemoryMb(etl.pid)).toBeLessThan(MEMORY_LIMIT_MB)
      expect(await etl.stop()).toBe(0)
    },
  )
})

/** What takes most memory when parsed, and compresses well, or no topic of usual settings would have it. */
function nested(bytes: number): Buffer {
  return Buffer.from(`{"a":[${'{},'.repeat(bytes / 3)}{}]}`)
}
