import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import type { SchemaReport } from '../../scripts/schema-validator/report.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'

/** `npm run validate-schema`, as a process. */

const program = fileURLToPath(new URL('../../scripts/validate-schema.ts', import.meta.url))
let database: TestDatabase

beforeAll(async () => {
  database = await createDatabase(inject('databaseUrl'))
  const client = new Client({ connectionString: database.url })
  await client.connect()
  await client.query('CREATE SCHEMA good; CREATE TABLE good.t (id int PRIMARY KEY, seen_id int)')
  await client.query('CREATE SCHEMA bad; CREATE TABLE bad.t (id int)')
  await client.end()
})
afterAll(() => database.drop())

interface Outcome {
  code: number | string
  out: string
  err: string
}

function run(args: string[], url: string | undefined = database.url): Promise<Outcome> {
  const env = { PATH: process.env['PATH'], DATABASE_URL: url }
  return new Promise((resolve) => {
    execFile(process.execPath, [program, ...args], { env }, (error, out, err) => {
      resolve({ code: error === null ? 0 : (error.code ?? 'killed'), out, err })
    })
  })
}

test('exits 0 on a valid schema, although there are warnings', async () => {
  const { code, out, err } = await run(['--schema', 'good'])
  expect({ code, err }).toEqual({ code: 0, err: '' })
  expect(out).toContain('⚠️ good.t: nullable seen_id')
  expect(out).toMatch(/⚠️ The schema is valid: 0 errors, 1 warning\n$/)
})

test('exits 1 on one that is not, over every schema unless told which', async () => {
  const { code, out } = await run([])
  expect(code).toBe(1)
  expect(out).toContain('✅ 2 tables in 3 schemas: bad, good, public')
  expect(out).toContain('❌ bad.t: no primary key')
  expect(out).toMatch(/❌ The schema is not valid: 1 error, 1 warning\n$/)
})

test('takes several schemas, and refuses one that is not there', async () => {
  const both = await run(['--schema', 'good', '--schema', 'nowhere'])
  expect(both.code).toBe(1)
  expect(both.out).toContain('❌ "nowhere": there is no such schema')
  expect(both.out).not.toContain('bad.t')
})

test('prints the report as JSON, and nothing beside it', async () => {
  const { code, out, err } = await run(['--json', '--schema', 'bad'])
  const report = JSON.parse(out) as SchemaReport
  expect({ code, err }).toEqual({ code: 1, err: '' })
  expect(report).toMatchObject({
    valid: false,
    errors: 1,
    database: { database: database.name, schemas: ['bad'] },
  })
  expect(report.tables).toHaveLength(1)
})

test('lists columns with their types where asked for details', async () => {
  const { out } = await run(['--schema', 'good', '--details'])
  expect(out).toContain('good.t\n  id       integer not null\n  seen_id  integer\n')
})

describe('without a connection', () => {
  const nobody = 'postgres://someone:s3cret@127.0.0.1:1/shop'

  test('says where it tried in one line, without the password, and exits 1', async () => {
    expect(await run([], nobody)).toEqual({
      code: 1,
      out: '',
      err: "❌ Can't connect to database shop on 127.0.0.1:1 as someone: connect ECONNREFUSED 127.0.0.1:1\n",
    })
  })

  test('still prints JSON where that was asked for', async () => {
    const { code, out } = await run(['--json'], nobody)
    expect(code).toBe(1)
    expect(out).not.toContain('s3cret')
    expect(JSON.parse(out)).toMatchObject({
      valid: false,
      database: null,
      sections: [{ name: 'connectivity', level: 'error' }],
    })
  })
})

describe('wrong usage exits 2 and says what is wrong', () => {
  test.each([
    { args: ['--colour'], says: "unknown option '--colour'" },
    { args: ['public'], says: 'too many arguments' },
    { args: ['--exact-rows', '0'], says: 'not a whole number' },
    { args: ['--schema'], says: 'argument missing' },
  ])('$args', async ({ args, says }) => {
    const { code, out, err } = await run(args)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toContain(says)
  })

  test('no DATABASE_URL', async () => {
    const { code, err } = await run([], '')
    expect(code).toBe(2)
    expect(err).toContain('DATABASE_URL is not set')
  })
})

test('explains itself and its exit codes with --help', async () => {
  const { code, out } = await run(['--help'], '')
  expect(code).toBe(0)
  expect(out).toContain('Exit codes: 0 valid')
})
