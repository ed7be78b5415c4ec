/**
 * All that a declaration may use. Streams import it as `global-sales-pulse/streams`, wherever their folder is: see
 * etl/installation.ts.
 */
export { defineStream, StreamError } from './define.ts'
export * from './words.ts'
export { compareAmounts, minus, plus, share, times, type Amount } from './amount.ts'
export type { EnvelopeSpec, Unwrapped, UnwrapFunction } from './envelopes/envelope.ts'
export { decimalSetting, wholeNumberSetting } from '../process/settings.ts'
export { uuidV7, weighted } from './samples.ts'
export type { Definition, StreamSpec, WrittenBatch } from './definition.ts'
export type { Draw, Field, FieldOptions, Fields, Row } from './field.ts'
export type { LaterRule } from './later-rules.ts'
export type { Moment, Start } from './start.ts'
export type { Random, Samples, Story } from './samples.ts'
