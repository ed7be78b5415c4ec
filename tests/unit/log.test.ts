import { expect, test } from 'vitest'
import { describeError, scrub } from '../../etl/process/log.ts'

test.for([
  ['postgres://pulse:secret@host:5432/db', 'postgres://pulse:***@host:5432/db'],
  ['to postgres://pulse:se:cr/et@host/db and on', 'to postgres://pulse:***@host/db and on'],
  ['postgres://pulse:s3cr@t@host/db', 'postgres://pulse:***@host/db'],
  ['redis://:secret@host', 'redis://:***@host'],
  ['SASL+ssl://u:secret@h', 'SASL+ssl://u:***@h'],
  ['a postgres://a:x@h b postgres://b:y@i', 'a postgres://a:***@h b postgres://b:***@i'],
  ['postgres://host:5432/db', 'postgres://host:5432/db'],
  ['http://127.0.0.1:8080/healthz', 'http://127.0.0.1:8080/healthz'],
  ['mail to a@b.example', 'mail to a@b.example'],
])('scrubbed, %s is %s', ([text, expected]) => {
  expect(scrub(text!)).toBe(expected)
})

test('an error is logged without what it carries along', () => {
  const error = Object.assign(new Error('at postgres://u:secret@h/db'), {
    code: '23505',
    constraint: 'order_keys_pkey',
    table: 'order_keys',
    routine: '_bt_check_unique',
    detail: 'Key (order_id)=(secret) already exists.',
    input: 'postgres://u:secret@h/db',
    parameters: ['secret'],
    cause: new Error('because of postgres://u:secret@h/db'),
  })
  const described = describeError(error)
  expect(described).toMatchObject({
    type: 'Error',
    message: 'at postgres://u:***@h/db',
    code: '23505',
    constraint: 'order_keys_pkey',
    table: 'order_keys',
    routine: '_bt_check_unique',
    cause: { message: 'because of postgres://u:***@h/db' },
  })
  expect(JSON.stringify(described)).not.toContain('secret')
})

test('the error of a bad URL does not bring the URL into the log', () => {
  let thrown: unknown
  try {
    thrown = new URL('postgres://u:secret@h:port/db')
  } catch (error) {
    thrown = error
  }
  expect(thrown).toBeInstanceOf(TypeError)
  expect(JSON.stringify(describeError(thrown))).not.toContain('secret')
})

test('what is thrown and no error is logged as text', () => {
  expect(describeError('postgres://u:secret@h')).toEqual({ message: 'postgres://u:***@h' })
})
