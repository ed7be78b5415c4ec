import type { Random } from '../../../../producer/random.ts'
import { versionsOf } from '../../../../tests/hostile/again.ts'
import type { Contract } from '../../../../tests/hostile/contract.ts'
import { OF_MONEY, ofEventTime, ofText, ofWhole, ofWords } from '../../../../tests/hostile/field-traps.ts'
import { quoted, rfc3339, type Fields } from '../../../../tests/hostile/message.ts'
import { decimal } from '../../../../tests/hostile/readings.ts'
import { trapsOf } from '../../../../tests/hostile/traps.ts'
import { judge, rules, type Product } from './oracle.ts'

const CATEGORIES = ['books', 'Möbel', '家電', '🎮 games', 'NULL']
const STATUSES = ['active', 'discontinued']

/** A version in the middle, so that older and newer ones can come. */
function validFields(random: Random, kafkaMs: number): Fields {
  const micros = BigInt(kafkaMs) * 1_000n - BigInt(random.between(0, 3_600_000_000))
  return {
    product_id: quoted(`p-${random.uint32().toString(36)}-${random.uint32().toString(36)}`),
    version: String(random.between(0, 9)),
    name: quoted(`thing ${random.between(1, 999)}`),
    category: quoted(random.pick(CATEGORIES)),
    price: (random.between(1, 300_000) / 100).toFixed(2),
    status: quoted(random.pick(STATUSES)),
    timestamp: quoted(rfc3339(micros)),
  }
}

function again(product: Product, random: Random): { name: string; value: Buffer } {
  const timestamp = rfc3339(product.micros)
  const fields: Fields = {
    product_id: quoted(product.productId),
    version: String(product.version),
    name: quoted(product.name),
    category: quoted(product.category),
    price: decimal(product.price),
    status: quoted(product.status),
    timestamp: quoted(timestamp),
  }
  const same = {
    'in the same words': {},
    'with more digits': { price: `${decimal(product.price)}0`, version: `${product.version}.0` },
    'in another zone': { timestamp: quoted(timestamp.replace('Z', '9+00:00')) },
  }
  const others = {
    'at another price': { price: product.price === 100n ? '2' : '1' },
    'under another name': { name: quoted(product.name === 'other' ? 'others' : 'other') },
    'with a blank behind its category': { category: quoted(`${product.category.slice(0, 20)} `) },
    'in the shop or out of it': { status: quoted(STATUSES.find((one) => one !== product.status)!) },
    'a microsecond later': { timestamp: quoted(rfc3339(product.micros + 1n)) },
  }
  return versionsOf({ fields, version: product.version, first: 0 }, { same, others }, random)
}

const FIELDS = {
  product_id: ofText(20),
  version: ofWhole(0, Number.MAX_SAFE_INTEGER),
  name: ofText(200),
  category: ofText(50),
  price: OF_MONEY,
  status: ofWords(...STATUSES),
  timestamp: ofEventTime(1_095),
}

export const contract: Contract<Product> = {
  ...rules,
  validFields,
  judge,
  traps: trapsOf(FIELDS, { field: 'price', good: '7', bad: '-5', text: 'name' }),
  again,
  stored: `jsonb_build_array(t.product_id, t.version::text, t.name, t.category, t.price::text, t.status,
    (extract(epoch from t.changed_at) * 1000000)::int8::text, t.deleted_at)::text`,
  shown: ({ productId, version, name, category, price, status, micros }) =>
    JSON.stringify([
      productId,
      String(version),
      name,
      category,
      decimal(price),
      status,
      String(micros),
      null,
    ]),
}
