import type { Definition } from '../definition.ts'
import { nameOf } from './compile.ts'

const NAMES = ['json', 'debezium', 'cloudevents', 'registry']
const ACCEPTED = `${NAMES.join(', ')}, one of them with options such as { debezium: {} }, or a function of value, key and headers`
const PATH = /^[^.]+(\.[^.]+)*$/

/** What is wrong with a declared envelope, and with fields that stand in one; in sentences. */
export function envelopeProblems({ envelope = 'json', fields }: Definition): string[] {
  const spec: unknown = envelope
  if (typeof spec !== 'function' && typeof spec !== 'string' && (typeof spec !== 'object' || spec === null))
    return [`envelope is ${JSON.stringify(spec)}; it must be ${ACCEPTED}`]
  const name = nameOf(envelope)
  const known = NAMES.includes(name) && (typeof spec !== 'object' || Object.keys(spec).length === 1)
  if (typeof spec !== 'function' && !known)
    return [`envelope is ${JSON.stringify(spec)}; it must be ${ACCEPTED}`]
  const problems = typeof spec === 'object' ? optionProblems(name, Object.values(spec)[0]) : []
  for (const [field, { options }] of Object.entries(fields)) {
    if (typeof options.at !== 'object' || !('envelope' in options.at)) continue
    if (name === 'json')
      problems.push(`fields.${field} stands in an envelope, and there is none: the envelope is json`)
    if (typeof options.at.envelope !== 'string' || !PATH.test(options.at.envelope))
      problems.push(`fields.${field}: envelope() takes a path such as source.lsn`)
  }
  return problems
}

function optionProblems(name: string, options: unknown): string[] {
  const part = `envelope.${name}`
  if (typeof options !== 'object' || options === null) return [`${part} must be an object of options`]
  const problems: string[] = []
  const known: Record<string, Record<string, (value: unknown) => string | undefined>> = {
    debezium: { version: (value) => isPath(value), placeholder: (value) => isText(value) },
    cloudevents: { types: (value) => isTexts(value) },
    registry: { holds: (value) => isHeld(value) },
  }
  for (const [option, value] of Object.entries(options)) {
    const check = known[name]?.[option]
    if (check === undefined)
      problems.push(`${part}.${option} is no option: ${Object.keys(known[name] ?? {}).join(', ')}`)
    else {
      const accepted = check(value)
      if (accepted !== undefined)
        problems.push(`${part}.${option} is ${JSON.stringify(value)}; it must be ${accepted}`)
    }
  }
  return problems
}

function isHeld(value: unknown): string | undefined {
  const accepted = 'row, debezium or { debezium: {…} }'
  if (value === 'row' || value === 'debezium') return undefined
  if (typeof value !== 'object' || value === null || Object.keys(value).join() !== 'debezium') return accepted
  return optionProblems('debezium', Object.values(value)[0]).length === 0 ? undefined : accepted
}

const isText = (value: unknown) => (typeof value === 'string' && value !== '' ? undefined : 'a text')
const isPath = (value: unknown) =>
  typeof value === 'string' && PATH.test(value) ? undefined : 'a path such as source.lsn'
const isTexts = (value: unknown) =>
  Array.isArray(value) && value.length > 0 && value.every((one) => isText(one) === undefined)
    ? undefined
    : 'a list of event types'
