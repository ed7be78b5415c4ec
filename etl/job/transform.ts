import type { Stream } from '../stream/compile.ts'
import type { Fact, ValidRecord } from '../stream/types.ts'

/** Derives from a record what its stream says. Depends on nothing but its arguments. */
export const toFact =
  ({ derive, identity }: Pick<Stream, 'derive' | 'identity'>) =>
  ({ record, row }: ValidRecord): Fact => ({
    offset: record.offset,
    identity: identity.of(row),
    row: derive(row),
  })

/**
 * Derives from each record what its stream says, in the order given. Depends on nothing but its arguments, so a
 * replay with the same rules gives the same facts.
 */
export function transform(
  valid: readonly ValidRecord[],
  stream: Pick<Stream, 'derive' | 'identity'>,
): Fact[] {
  return valid.map(toFact(stream))
}
