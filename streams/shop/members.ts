import type { Random, Row } from 'global-sales-pulse/streams'

const FIRST_NAMES = [
  'Ada',
  'Amir',
  'Chen',
  'Chloé',
  'Diego',
  'Fatima',
  'Ines',
  'Jonas',
  'Mei',
  'Noah',
  'Olga',
  'Zoë',
]
const LAST_NAMES = [
  'Abe',
  'Braun',
  'Costa',
  'Dubois',
  'Eriksen',
  'Fischer',
  'García',
  'Haddad',
  'Ito',
  'Jansen',
]
const COUNTRIES = ['US', 'DE', 'FR', 'GB', 'CA', 'AU', 'CH', 'NL']
const DAY_MS = 86_400_000
const REGISTERED_WITHIN_DAYS = 1_000

/** So many purchases make a customer silver, or gold. */
export const TIERS = [
  { tier: 'gold', from: 20 },
  { tier: 'silver', from: 5 },
  { tier: 'standard', from: 0 },
] as const
/** Of those who have bought as many leave the shop; who comes again is back. */
const LEAVES = 0.001

interface Member {
  readonly row: Row
  purchases: number
}

/** What the shop knows of its customers, and tells when it changes. */
export interface Members {
  /** A customer who is here. @returns what is told of one who is new, or back. */
  seen(this: void, id: string, time: number): Row | undefined
  /** One who has bought. @returns what is told where that changes something. */
  bought(this: void, id: string, time: number): Row | undefined
}

/** Milliseconds since 1970, so that a shop that is opened anew goes on above what it told before; one more within one. */
export const laterVersion = (before: number, time: number): number => Math.max(before + 1, time)

export function openMembers(random: Random): Members {
  const members = new Map<string, Member>()

  const tell = (member: Member, changes: Row, time: number): Row => {
    const version = laterVersion((member.row['version'] as number | undefined) ?? 0, time)
    return Object.assign(member.row, changes, { version, timestamp: time * 1_000 })
  }
  const seen = (id: string, time: number): Row | undefined => {
    const known = members.get(id)
    if (known !== undefined)
      return known.row['has_left'] === true ? { ...tell(known, { has_left: false }, time) } : undefined
    const since = new Date(time - random.between(0, REGISTERED_WITHIN_DAYS) * DAY_MS)
    const member: Member = { row: {}, purchases: 0 }
    members.set(id, member)
    return {
      ...tell(
        member,
        {
          customer_id: id,
          name: `${random.pick(FIRST_NAMES)} ${random.pick(LAST_NAMES)}`,
          tier: 'standard',
          country: random.pick(COUNTRIES),
          since: since.toISOString().slice(0, 10),
          has_left: false,
        },
        time,
      ),
    }
  }
  return {
    seen,
    bought: (id, time) => {
      const member = members.get(id)!
      member.purchases++
      const { tier } = TIERS.find(({ from }) => member.purchases >= from)!
      if (random.chance(LEAVES)) return { ...tell(member, { has_left: true }, time) }
      return tier === member.row['tier'] ? undefined : { ...tell(member, { tier }, time) }
    },
  }
}
