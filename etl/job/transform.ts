import { inSteps } from '../process/in-steps.ts'
import { AmountError } from '../stream/amount.ts'
import type { Stream } from '../stream/compile.ts'
import type { Fact, Rejection, ValidRecord } from '../stream/types.ts'

type Deriving = Pick<Stream, 'derive' | 'identity'>

/**
 * Derives from each record what its stream says, in the order given. Depends on nothing but its arguments, so a
 * replay with the same rules gives the same facts.
 *
 * @param rejected gets the records of whose amounts something can't be derived.
 * @throws what `derive` throws else: that is a fault of its code, and no record's.
 */
export function transform(
  valid: readonly ValidRecord[],
  stream: Deriving,
  rejected: Rejection[] = [],
): Fact[] {
  return sorted(valid.map(deriving(stream)), rejected)
}

/**
 * As `transform`, where other work of the process waits.
 *
 * @param onSlow told of a record that took long, in milliseconds.
 */
export async function transformInSteps(
  valid: readonly ValidRecord[],
  stream: Deriving,
  rejected: Rejection[],
  onSlow?: (ms: number) => void,
): Promise<Fact[]> {
  return sorted(await inSteps(valid, deriving(stream), onSlow), rejected)
}

const deriving =
  ({ derive, identity }: Deriving) =>
  ({ record, row }: ValidRecord): Fact | Rejection => {
    try {
      return { offset: record.offset, identity: identity.of(row), row: derive(row) }
    } catch (error) {
      if (!(error instanceof AmountError)) throw error
      const message = `what is derived of it can't be: ${error.message}`
      return { record, code: 'schema_violation', issues: [{ field: '', message }] }
    }
  }

function sorted(outcomes: readonly (Fact | Rejection)[], rejected: Rejection[]): Fact[] {
  const facts: Fact[] = []
  for (const outcome of outcomes)
    if ('code' in outcome) rejected.push(outcome)
    else facts.push(outcome)
  return facts
}
