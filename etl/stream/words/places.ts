import type { FromRecord } from '../field.ts'

/**
 * The record's key, as text: missing where it is null or no UTF-8.
 *
 * @example session: text(64, { at: key() })
 */
export const key = (): FromRecord => ({ key: true })

/**
 * The first header of this name, as text: missing where there is none, or it is no UTF-8.
 *
 * @example tenant: text(20, { at: header('tenant') })
 */
export const header = (name: string): FromRecord => ({ header: name })
