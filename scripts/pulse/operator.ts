import { userInfo } from 'node:os'
import type { Operator } from '../../etl/operations/actions.ts'
import { UsageError } from './errors.ts'

export const BY_OPTION = ['--by <name>', 'your name on record, instead of the login name here'] as const

/** Who acts at this terminal, for the record: as they say, or by the login name. @throws UsageError. */
export function thisOperator(by?: string): Operator {
  const name = (by ?? loginName()).trim()
  if (name === '') throw new UsageError('--by is empty: who does it?')
  return { name, via: 'pulse' }
}

/** A container may run as a user that has no name. */
function loginName(): string {
  try {
    return userInfo().username
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`
  }
}
