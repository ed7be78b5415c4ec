import { noon } from './versions.ts'

/** A version of a member, of tests/support/streams/members.ts. */
export const aMember = (
  member_id: string,
  version: number,
  changes: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> => ({
  member_id,
  version,
  name: `Ada of ${member_id}`,
  email: `${member_id}@example.org`,
  born: '1815-12-10',
  credit: 10 + version,
  tier: 'basic',
  at: noon(),
  ...changes,
})
