import { expect, test } from 'vitest'
import { z } from 'zod'
import { asUtc, byId, orEmpty, pageOf } from '../../etl/web/fields.ts'

test.each([
  { rows: 0, shown: 0, next: null },
  { rows: 2, shown: 2, next: null },
  { rows: 3, shown: 2, next: 2 },
])('of $rows rows that were read for a page of two, $shown are shown', ({ rows, shown, next }) => {
  const read = Array.from({ length: rows }, (_, i) => ({ id: i + 1 }))
  expect(pageOf(read, 2, byId)).toEqual({ items: read.slice(0, shown), next })
})

test('a field that a form left empty is as good as none, and 0 is a number', () => {
  const form = z.object({ offset: orEmpty(z.coerce.number()) })
  expect(form.parse({})).toEqual({})
  expect(form.parse({ offset: '' })).toEqual({})
  expect(form.parse({ offset: '0' })).toEqual({ offset: 0 })
  expect(form.safeParse({ offset: 'x' }).success).toBe(false)
})

test('a local time of a form is UTC; what says its zone is left as it is', () => {
  expect(asUtc('2026-11-21T13:33')).toBe('2026-11-21T13:33:00Z')
  expect(asUtc('2026-11-21T13:33:50+02:00')).toBe('2026-11-21T13:33:50+02:00')
})
