import type { Stream } from '../stream/compile.ts'
import type { Fact, ValidRecord } from '../stream/types.ts'

/**
 * Derives from each record what its stream says, in the order given. Depends on nothing but its arguments, so a
 * replay with the same rules gives the same facts.
 */
export function transform(
  valid: readonly ValidRecord[],
  { derive, identity }: Pick<Stream, 'derive' | 'identity'>,
): Fact[] {
  return valid.map(({ record, row }) => ({
    offset: record.offset,
    identity: identity.of(row),
    row: derive(row),
  }))
}
