import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

test('the migrations say all that the schema in TypeScript says', async () => {
  const before = readdirSync('migrations')
  const { stdout } = await promisify(execFile)('npm', [
    'run',
    'generate-migration',
    '--',
    '--name',
    'forgotten',
  ])
  expect(stdout).toContain('No schema changes')
  expect(readdirSync('migrations')).toEqual(before)
})
