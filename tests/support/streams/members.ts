import { defineStream } from '../../../etl/stream/define.ts'
import { count, day, flag, instant, int, money, oneOf, sum, text } from '../../../etl/stream/words.ts'

/** Members of a club, whose versions say something about a person: what can be forgotten of what changes. */
export const members = defineStream('members', {
  title: 'member',
  topic: { key: 'member_id' },
  fields: {
    member_id: text(20),
    version: int({ min: 0 }),
    name: text(50, { column: 'full_name', personal: true }),
    email: text(60, { personal: true }).optional(),
    born: day({ personal: true }),
    credit: money({ min: 0, personal: true }),
    tier: oneOf(['basic', 'gold']),
    is_gone: flag().default(false),
    at: instant({ column: 'changed_at' }),
  },
  eventTime: 'at',
  identity: { latest: 'member_id', by: 'version', deletedWhen: 'is_gone' },
  derived: { greeting: text(60, { personal: true }), letters: int() },
  derive: ({ name }) => ({ greeting: `Dear ${name}`, letters: name.length }),
  rollups: {
    members_by_day: { every: 'day', by: ['tier'], measures: { members: count(), credit: sum('credit') } },
  },
  invariants: {
    greeting: {
      rule: 'everybody is greeted by name',
      holds: `greeting = 'Dear ' || full_name`,
      shows: ['tier'],
    },
  },
})
