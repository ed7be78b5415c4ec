import { describe, expect, test } from 'vitest'
import { compile } from '../../etl/stream/compile.ts'
import { daysOf } from '../../etl/stream/age.ts'
import { createRandom } from '../../producer/random.ts'
import { streams } from '../../streams/index.ts'
import { judgedStreams, subjectOf } from '../hostile/contract.ts'
import { KAFKA_MS, text } from '../hostile/message.ts'
import { aRecord } from '../support/messages.ts'

/** Of each stream that brings one, at least of the first. */
const subjects = await Promise.all(
  [...new Set([streams[0]!.name, ...judgedStreams])].map(async (name) => {
    const definition = streams.find((stream) => stream.name === name)!
    return [name, { ...(await subjectOf(name)), definition, stream: compile(definition) }] as const
  }),
)

describe.each(subjects)('%s', (_name, { contract, definition, stream }) => {
  const { traps, validFields, judge } = contract
  const mostDays = daysOf(definition.maxAge ?? '1095 days')!

  /** What was written down by hand, what a second reading of the contract says, and what the product does. */
  test.each(traps.map((trap) => [trap.name, trap.expected, trap] as const))('%s: %s', (_, expected, trap) => {
    const { kafkaMs = KAFKA_MS } = trap
    const value = trap.value(validFields(createRandom(1), KAFKA_MS))

    const verdict = judge(value, kafkaMs)
    const outcome = stream.validate(aRecord({ value, timestamp: kafkaMs }), mostDays)

    expect('code' in verdict ? verdict.code : 'loaded').toBe(expected)
    expect('code' in outcome ? outcome.code : 'loaded').toBe(expected)
  })

  test('there is a trap for each field, and for each thing that may become of a record', () => {
    const names = traps.map(({ name }) => name)
    for (const field of Object.keys(definition.fields))
      expect([field, names.filter((name) => name.startsWith(`${field} `)).length > 3]).toEqual([field, true])
    expect(new Set(traps.map(({ expected }) => expected))).toEqual(
      new Set(['loaded', 'malformed_json', 'schema_violation', 'timestamp_out_of_range']),
    )
  })

  test('the same fact in other words is equal, another of the same identity is not', () => {
    const random = createRandom(1)
    const seen = new Set<string>()
    const comparedOf = contract.comparedOf ?? contract.shown
    for (let n = 0; n < 500; n++) {
      const valid = validFields(random, KAFKA_MS)
      const value = Buffer.from(text(valid))
      const first = judge(value, KAFKA_MS)
      if ('code' in first) throw new Error(`${value.toString()} is ${first.code}`)
      const { name, value: again } = contract.again(first.fact, random)
      const second = judge(again, KAFKA_MS)
      if ('code' in second) throw new Error(`${again.toString()} is ${second.code}`)
      const isSame = comparedOf(first.fact) === comparedOf(second.fact)
      const isOfIt = contract.identityOf(first.fact) === contract.identityOf(second.fact)
      seen.add(`${name}: ${isOfIt ? (isSame ? 'the same' : 'conflicting') : 'another'}`)
    }
    expect(seen.size).toBeGreaterThan(3)
    expect([...seen].some((one) => one.endsWith('the same'))).toBe(true)
    expect([...seen].some((one) => one.endsWith('conflicting'))).toBe(true)
  })
})

test('the fuzz knows only streams of this installation', async () => {
  await expect(subjectOf('no_such')).rejects.toThrow(
    `there is no stream "no_such"; it must be one of ${judgedStreams.join(', ')}`,
  )
})
