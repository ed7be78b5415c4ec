import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { added, readLogBook, sum, writeLogBook } from '../faults/storm/log-book.ts'

function aDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'pulse-storm-test-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  return directory
}

test('what was survived is there for the next start', () => {
  const directory = join(aDirectory(), 'made', 'as needed')
  expect(readLogBook(directory)).toBeUndefined()
  const survived = { seed: 7, faults: { kill: 3, freeze: 2 }, inALoad: 4, records: { sent: 10 }, seconds: 60 }
  writeLogBook(directory, survived)
  expect(readLogBook(directory)).toEqual(survived)
  writeLogBook(directory, { ...survived, inALoad: 5 })
  expect(readLogBook(directory)).toEqual({ ...survived, inALoad: 5 })
})

test('a log book that is no log book is named', () => {
  const directory = aDirectory()
  writeFileSync(join(directory, 'survived.json'), '{')
  expect(() => readLogBook(directory)).toThrow(`${join(directory, 'survived.json')} can't be read`)
})

test('accounts are added name by name', () => {
  expect(added({ kill: 3, freeze: 2 }, { freeze: 1, stop: 4 })).toEqual({ kill: 3, freeze: 3, stop: 4 })
  expect(sum({ kill: 3, freeze: 2 })).toBe(5)
})
