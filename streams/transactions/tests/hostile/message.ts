import type { Random } from '../../../../producer/random.ts'
import { aUuid, quoted, rfc3339, type Fields } from '../../../../tests/hostile/message.ts'

const CURRENCIES = ['EUR', 'USD', 'JPY', 'GBP', 'CHF', 'KWD', 'CLF', 'XAU', 'SLL', 'ZWG']
const CATEGORIES = ['books', 'toys', 'Möbel', 'электроника', '家電', '🎮 games', 'NULL', '']

/** An order that keeps the contract, of the hour before the record's time in Kafka. */
export function validFields(random: Random, kafkaMs: number): Fields {
  const micros = BigInt(kafkaMs) * 1_000n - BigInt(random.between(0, 3_600_000_000))
  return {
    order_id: quoted(aUuid(random)),
    amount: (random.between(1, 300_000) / 100).toFixed(random.chance(0.5) ? 2 : 0).replace(/^0$/, '1'),
    currency: quoted(random.pick(CURRENCIES)),
    timestamp: quoted(rfc3339(micros)),
    customer_id: quoted(`customer-${random.between(1, 999)}`),
    product_category: quoted(random.pick(CATEGORIES.filter(Boolean))),
  }
}
