import { AmountError } from '../stream/amount.ts'
import type { Stream } from '../stream/compile.ts'
import type { Fact, Rejection, ValidRecord } from '../stream/types.ts'

/**
 * Derives from each record what its stream says, in the order given. Depends on nothing but its arguments, so a
 * replay with the same rules gives the same facts.
 *
 * @param rejected gets the records of whose amounts something can't be derived.
 * @throws what `derive` throws else: that is a fault of its code, and no record's.
 */
export function transform(
  valid: readonly ValidRecord[],
  { derive, identity }: Pick<Stream, 'derive' | 'identity'>,
  rejected: Rejection[] = [],
): Fact[] {
  const facts: Fact[] = []
  for (const { record, row } of valid) {
    try {
      facts.push({ offset: record.offset, identity: identity.of(row), row: derive(row) })
    } catch (error) {
      if (!(error instanceof AmountError)) throw error
      const message = `what is derived of it can't be: ${error.message}`
      rejected.push({ record, code: 'schema_violation', issues: [{ field: '', message }] })
    }
  }
  return facts
}
