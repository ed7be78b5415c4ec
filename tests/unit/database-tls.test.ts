import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { databaseTlsProblem } from '../../etl/process/tls.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pulse-tls-'))
  writeFileSync(join(folder, 'no.pem'), 'no certificate')
})
afterAll(() => rmSync(folder, { recursive: true }))

const saidOf = (parameters: string) => databaseTlsProblem(`postgres://u:sEcReT@h/db${parameters}`)

test.for(['', '?sslmode=disable', '?sslmode=verify-full', '?application_name=x'])(
  '%o is taken',
  (parameters) => {
    expect(saidOf(parameters)).toBeUndefined()
  },
)

test.for([
  ['?sslmode=require', 'neither verify-full'],
  ['?sslmode=prefer', 'neither verify-full'],
  ['?sslmode=verify-ca', 'neither verify-full'],
  ['?sslmode=no-verify', 'neither verify-full'],
  ['?sslmode=', 'neither verify-full'],
  ['?sslmode=verify-full&uselibpqcompat=true', 'uselibpqcompat'],
  ['?ssl=true', 'the parameter ssl:'],
  ['?ssl=no-verify', 'the parameter ssl:'],
  ['?sslrootcert=/ca.pem', 'sslrootcert, which needs sslmode=verify-full'],
  ['?sslmode=disable&sslcert=/c.pem', 'sslcert, which needs sslmode=verify-full'],
  ['?sslmode=verify-full&sslrootcert=/nowhere/ca.pem', 'sslrootcert=/nowhere/ca.pem: ENOENT on reading it'],
] as const)('%s is refused: %s', ([parameters, said]) => {
  expect(saidOf(parameters)).toContain(said)
  expect(saidOf(parameters)).not.toContain('sEcReT')
})

test.for(['sslrootcert', 'sslcert', 'sslkey'])('a file of %s that is no PEM is refused', (name) => {
  const file = join(folder, 'no.pem')
  expect(saidOf(`?sslmode=verify-full&${name}=${file}`)).toContain('it holds no certificate or key in PEM')
})
