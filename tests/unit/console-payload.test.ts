import { assert, property, json, uint8Array } from 'fast-check'
import { expect, test } from 'vitest'
import { Pace } from '../../etl/console/actions/action.ts'
import { draftOf, editedValue } from '../../etl/console/dead-letters/edit.ts'
import { bytesOfHex, hexDump, hexOf } from '../../etl/text/hex.ts'
import { memberSpans } from '../../etl/console/dead-letters/payload.ts'
import { visible, visibleBytes } from '../../etl/console/html.ts'

test('the members of any JSON object are found where they stand', () => {
  assert(
    property(json(), json(), json(), (name, one, two) => {
      const text = `{ ${JSON.stringify(name)} :\n${one}, "a\\"b,}":[${two}] ,"last":{"a":${one}}}`
      const object = JSON.parse(text) as Record<string, unknown>
      const found = Object.fromEntries(
        [...memberSpans(text).values()].flatMap(({ start, end }) =>
          Object.entries(JSON.parse(`{${text.slice(start, end)}}`) as object),
        ),
      )
      expect(found).toEqual(object)
    }),
  )
})

test('of a member that occurs twice the last one is found, as it is the one that counts', () => {
  const text = '{"a":1,"a":{"a":2}}'
  expect(memberSpans(text)).toEqual(new Map([['a', { start: 7, end: 18 }]]))
})

test('bytes come back from hex as they were, and nonsense is none', () => {
  assert(
    property(uint8Array(), (bytes) => {
      expect(bytesOfHex(hexOf(Buffer.from(bytes)))).toEqual(Buffer.from(bytes))
    }),
  )
  expect(bytesOfHex('f')).toBeUndefined()
  expect(bytesOfHex('fg')).toBeUndefined()
  expect(hexDump(Buffer.from('0123456789abcdef\n'))).toBe(
    '00000000  30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66  0123456789abcdef\n' +
      '00000010  0a                                               .',
  )
})

test('any value that a form shows and nobody changes is the same, whatever line ends the form makes', () => {
  assert(
    property(uint8Array(), (bytes) => {
      const value = Buffer.from(bytes)
      const draft = draftOf(value)
      for (const ends of ['\n', '\r\n'])
        expect(
          editedValue(value, { ...draft, content: draft.content.replaceAll(/\r\n|\r|\n/g, ends) }),
        ).toEqual({ kind: 'same' })
    }),
  )
})

test.each([
  ['plain text, émoji 😀 and\ttabs\n', 'plain text, émoji 😀 and\ttabs\n'],
  ['<b>&"\'', '&lt;b&gt;&amp;&quot;&#39;'],
  [
    'a\0\u001b[31m\u202e',
    'a<span class="control">\\u0000\\u001b</span>[31m<span class="control">\\u202e</span>',
  ],
  ['\r\n', '<span class="control">\\u000d</span>\n'],
])('%j is shown as %j', (text, shown) => {
  expect(visible(text).toString()).toBe(shown)
  expect(visibleBytes(Buffer.from(text)).toString()).toBe(shown)
})

test('bytes that are no UTF-8 are shown one by one, none of them made up', () => {
  expect(visibleBytes(Buffer.from([0x41, 0xff, 0xc3, 0x0a])).toString()).toBe(
    'A<span class="control">\\xff\\xc3</span>\n',
  )
})

test('the pace of an action is what it did lately, and unknown at the first look', () => {
  const pace = new Pace()
  expect(pace.look({ id: 1, done: 500 }, 0)).toBeUndefined()
  expect(pace.look({ id: 1, done: 500 }, 2_000)).toBeUndefined()
  expect(pace.look({ id: 1, done: 700 }, 4_000)).toBe(50)
  expect(pace.look({ id: 2, done: 9 }, 4_000)).toBeUndefined()
  // What is longer ago than half a minute no longer counts.
  expect(pace.look({ id: 1, done: 1_000 }, 34_000)).toBe(10)
})
