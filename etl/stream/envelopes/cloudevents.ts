import type { RecordHeader, SourceRecord } from '../../kafka/record.ts'
import { excerpt } from '../../text/excerpt.ts'
import { decodeJson, type JsonObject } from '../json.ts'
import type { CloudEventsOptions, NotUnwrapped, Unwrap, Unwrapped } from './envelope.ts'

const ATTRIBUTE = 'ce_'
const REQUIRED = ['id', 'source', 'type'] as const
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/**
 * CloudEvents 1.0 by its Kafka binding: **binary**, where the attributes are headers that begin with `ce_` and the value
 * is the data; or **structured**, where the value is one JSON object with attributes and `data` or `data_base64`. The
 * row is the data, which must be a JSON object; the attributes are the parts beside it.
 */
export function unwrapCloudEvent({ types }: CloudEventsOptions = {}, decode = decodeJson): Unwrap {
  const isRow = (type: unknown) => types === undefined || types.includes(type as string)
  return (record) => {
    const contentType = textOf(record.headers, 'content-type')
    if (contentType !== undefined && mediaType(contentType) === 'application/cloudevents-batch+json')
      return wrong('the header content-type', `is ${excerpt(contentType)}; it must be one event a record`)
    const event = isBinary(record) ? binary(record, contentType, decode) : structured(record, decode)
    if ('code' in event) return event
    const { attributes, data } = event
    const problem = attributesProblem(attributes)
    if (problem !== undefined) return problem
    if (!isRow(attributes['type'])) return { skip: 'an event of another type' }
    const row = data()
    return 'code' in row || 'deletion' in row ? row : { ...row, parts: attributes }
  }
}

/** An event whose data were not looked at yet. */
interface Event {
  readonly attributes: JsonObject
  readonly data: () => Unwrapped & ({ row: JsonObject } | { deletion: JsonObject } | NotUnwrapped)
}

const isBinary = ({ headers }: SourceRecord): boolean =>
  headers.some(({ key }) => key.toLowerCase() === `${ATTRIBUTE}specversion`)

function binary(
  { value, headers }: SourceRecord,
  contentType: string | undefined,
  decode: typeof decodeJson,
): Event {
  const attributes: Record<string, unknown> = Object.create(null) as Record<string, unknown>
  for (const { key, value: bytes } of headers) {
    const name = key.toLowerCase()
    if (name.startsWith(ATTRIBUTE)) attributes[name.slice(ATTRIBUTE.length)] ??= bytes?.toString()
  }
  if (contentType !== undefined) attributes['datacontenttype'] = contentType
  return {
    attributes,
    data: () => {
      if (value === null) return { deletion: {}, parts: attributes }
      return notJson(contentType) ?? rowOf(value, decode)
    },
  }
}

function structured({ value }: SourceRecord, decode: typeof decodeJson): Event | NotUnwrapped {
  if (value === null)
    return {
      code: 'schema_violation',
      problem: 'value is null without a header ce_specversion; it must be a CloudEvent',
    }
  const decoded = decode(value)
  if ('code' in decoded) return decoded
  const { data, data_base64: base64, ...attributes } = decoded.object
  return {
    attributes,
    data: () => {
      const unfit = notJson(attributes['datacontenttype'])
      if (unfit !== undefined) return unfit
      if (base64 !== undefined) {
        if (typeof base64 !== 'string' || !BASE64.test(base64))
          return wrong('data_base64', `is ${excerpt(base64)}; it must be base64`)
        return rowOf(Buffer.from(base64, 'base64'), decode)
      }
      if (typeof data !== 'object' || data === null || Array.isArray(data))
        return wrong('data', `is ${excerpt(data)}; it must be a JSON object`)
      return { row: data as JsonObject }
    },
  }
}

function rowOf(bytes: Buffer, decode: typeof decodeJson): { row: JsonObject } | NotUnwrapped {
  const decoded = decode(bytes)
  return 'code' in decoded ? decoded : { row: decoded.object }
}

function attributesProblem(attributes: JsonObject): NotUnwrapped | undefined {
  const { specversion } = attributes
  if (specversion !== '1.0')
    return wrong('specversion', `is ${excerpt(specversion)}; it must be "1.0", in the value or a header ce_`)
  for (const name of REQUIRED) {
    const value = attributes[name]
    if (typeof value !== 'string' || value === '')
      return wrong(name, `is ${excerpt(value)}; it must be a text, as every CloudEvent has one`)
  }
  return undefined
}

/** Data of another kind have no fields. None said means JSON. */
function notJson(contentType: unknown): NotUnwrapped | undefined {
  if (contentType === undefined || contentType === null) return undefined
  if (typeof contentType === 'string' && /^(?:[^/;]+\/)(?:[^/;]+\+)?json$/.test(mediaType(contentType)))
    return undefined
  return {
    code: 'malformed_value',
    field: 'datacontenttype',
    problem: `datacontenttype is ${excerpt(contentType)}; it must be application/json or another of JSON`,
  }
}

const mediaType = (contentType: string): string => contentType.split(';')[0]!.trim().toLowerCase()

const textOf = (headers: readonly RecordHeader[], name: string): string | undefined =>
  headers.find(({ key }) => key.toLowerCase() === name)?.value?.toString()

const wrong = (field: string, problem: string): NotUnwrapped => ({
  code: 'schema_violation',
  field,
  problem: `${field} ${problem}`,
})
