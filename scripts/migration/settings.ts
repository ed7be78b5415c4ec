import type { ClientBase } from 'pg'

/** Without these a commit may be lost, or a claim be missed: the promises rest on them. */
const REQUIRED: readonly { setting: string; accepted: readonly string[]; why: string }[] = [
  { setting: 'fsync', accepted: ['on'], why: 'a crash of the server could lose what was committed' },
  { setting: 'full_page_writes', accepted: ['on'], why: 'a crash of the machine could tear pages' },
  {
    setting: 'synchronous_commit',
    accepted: ['on', 'remote_apply', 'remote_write', 'local'],
    why: 'the offset would be committed before the rows are safe',
  },
  {
    setting: 'default_transaction_isolation',
    accepted: ['read committed'],
    why: 'an order that a rival commits meanwhile must be visible to the second look-up',
  },
  { setting: 'server_encoding', accepted: ['UTF8'], why: 'the message contract is Unicode' },
  { setting: 'transaction_read_only', accepted: ['off'], why: 'this is a standby or a read-only database' },
]

/** What of the server's settings breaks a promise, in a sentence each; empty when all is right. */
export async function wrongSettings(client: ClientBase): Promise<string[]> {
  const { rows } = await client.query<{ name: string; value: string }>(
    `select name, current_setting(name) as value from unnest($1::text[]) as name`,
    [REQUIRED.map(({ setting }) => setting)],
  )
  const found = new Map(rows.map(({ name, value }) => [name, value]))
  return REQUIRED.filter(({ setting, accepted }) => !accepted.includes(found.get(setting) ?? '')).map(
    ({ setting, accepted, why }) =>
      `${setting} is ${found.get(setting) ?? 'unknown'}, it must be ${accepted.join(' or ')}: ${why}`,
  )
}
