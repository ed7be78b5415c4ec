import type { FromRecord } from '../field.ts'

/**
 * The record's key, as text: missing where it is null or no UTF-8.
 *
 * @example session: text(64, { at: key() })
 */
export const key = (): FromRecord => ({ key: true })

/**
 * A part of the envelope beside the row: a path in what Debezium wraps a row in (`op`, `ts_ms`, `source.lsn`), or an
 * attribute of a CloudEvent (`id`, `time`). Missing where there is none.
 *
 * @example changed_at: instant({ epoch: 'ms', at: envelope('source.ts_ms') })
 */
export const envelope = (path: string): FromRecord => ({ envelope: path })

/**
 * The first header of this name, as text: missing where there is none, or it is no UTF-8.
 *
 * @example tenant: text(20, { at: header('tenant') })
 */
export const header = (name: string): FromRecord => ({ header: name })
