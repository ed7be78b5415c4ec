import { compileWith } from '../../etl/stream/compile.ts'
import { createRandom } from '../../producer/random.ts'
import { messagesOf } from './messages.ts'
import { aWorld, type World, type WorldOptions } from './world.ts'
import { parcels, type ParcelRules } from './streams/parcels.ts'

/** Those of a newer version: another rate, and another line from which on a parcel is dear. */
export const NEW_RULES: ParcelRules = {
  perMille: 200,
  dearAbove: 50_00,
  rank: 30,
  remark: 'over "50", \\',
}
export const parcelsBy = (rules: ParcelRules) => compileWith(parcels, rules)

/** Messages of parcels: of one sender and 100.50 EUR unless told. */
export const ofParcels = messagesOf(parcels, () => () => ({
  fee: 100_50,
  currency: 'EUR',
  sender: 'sender-1',
  depot: 'north',
}))

/** A parcel that is weighed now. */
export const aParcel = ofParcels.aLiveMessage

/** A world whose stream is parcels. */
export const aWorldOfParcels = (options: WorldOptions = {}): Promise<World> =>
  aWorld({ stream: parcels, ...options })

/**
 * So many values of messages: a tenth of them breaks the contract, a fifth repeats an earlier one, every fourth of
 * those with another fee.
 */
export function mixedParcels(count: number): Buffer[] {
  const random = createRandom(5)
  const valid: Record<string, unknown>[] = []
  return Array.from({ length: count }, () => {
    const drawn = random.unit()
    if (drawn < 0.1) return Buffer.from(JSON.stringify(ofParcels.aBrokenMessage()))
    if (drawn < 0.3 && valid.length > 0) {
      const again = random.pick(valid)
      return Buffer.from(JSON.stringify(random.chance(0.25) ? ofParcels.aConflict(again) : again))
    }
    const parcel = aParcel({
      fee: random.between(1, 200_000) / 100,
      currency: random.pick(['EUR', 'USD', 'GBP']),
      depot: random.pick(['north', 'south']),
    })
    valid.push(parcel)
    return Buffer.from(JSON.stringify(parcel))
  })
}
