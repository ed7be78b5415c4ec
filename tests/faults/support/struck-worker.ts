import { once } from 'node:events'
import type { Pool, PoolClient, QueryConfig } from 'pg'
import { streams } from '../../../streams/index.ts'
import { runProgram } from '../../../etl/program.ts'
import type { Connections } from '../../../etl/worker/connections.ts'
import { GO_ON, POINTS, reached, type Call, type PointName } from './points.ts'

/**
 * The ETL's program, as etl/main.ts, but it stops once at the point of POINTS that STRIKE_AT names: it says
 * so on its output and waits there, its clocks and heartbeats going on, until it gets GO_ON.
 */
const name = process.env['STRIKE_AT'] as PointName
const point: (typeof POINTS)[PointName] = POINTS[name]
let passes = Number(process.env['STRIKE_PASSES']) + ('first' in point ? point.first : 0)

process.exit(await runProgram({ streams, pages: [] }, struck))

function struck({ pool, reader, producer, membership }: Connections): Connections {
  return {
    pool: struckPool(pool),
    reader: {
      ...reader,
      fetch: (...args) => around('fetch', () => reader.fetch(...args)),
    },
    producer: {
      ...producer,
      send: (topic, records) =>
        around('publish', async () => {
          const middle = point.call === 'rest of publish' ? Math.ceil(records.length / 2) : records.length
          await producer.send(topic, records.slice(0, middle))
          const rest = records.slice(middle)
          if (rest.length > 0) await around('rest of publish', () => producer.send(topic, rest))
        }),
    },
    membership: {
      ...membership,
      commit: (...args) => around('commit offset', () => membership.commit(...args)),
      leave: () => around('leave', () => membership.leave()),
    },
  }
}

/** Only what asks for a connection of its own is struck: a transaction. */
function struckPool(pool: Pool): Pool {
  const connect = async () => struckClient(await pool.connect())
  return standIn(pool, { connect })
}

function struckClient(client: PoolClient): PoolClient {
  const query = (statement: string | QueryConfig, values?: unknown[]) =>
    around('query', () => client.query(statement, values), nameOf(statement))
  return standIn(client, { query })
}

/** The object itself, but for these methods. */
function standIn<T extends object>(original: T, methods: Partial<Record<keyof T, unknown>>): T {
  return new Proxy(original, {
    get: (_, key) => {
      if (Object.hasOwn(methods, key)) return methods[key as keyof T]
      const value: unknown = Reflect.get(original, key)
      return typeof value === 'function' ? (value.bind(original) as unknown) : value
    },
  })
}

function nameOf(statement: string | QueryConfig): string {
  const { name: given, text } = typeof statement === 'string' ? { text: statement } : statement
  return given ?? text.split(' ', 1)[0]!
}

async function around<T>(call: Call, work: () => Promise<T>, statement?: string): Promise<T> {
  const here = call === point.call && (!('statement' in point) || statement === point.statement)
  if (!here || passes-- !== 0) return work()
  if (point.when === 'before') await strike()
  const result = work()
  if (point.when === 'sent') {
    result.catch(() => undefined) // thrown to the job, when it goes on
    await strike()
  }
  const value = await result
  if (point.when === 'after') await strike()
  return value
}

async function strike(): Promise<void> {
  process.stdout.write(`${reached(name)}\n`)
  await once(process, GO_ON)
}
