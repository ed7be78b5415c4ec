import type { Field } from '../../etl/stream/field.ts'
import {
  currencyCode,
  day,
  decimal,
  flag,
  instant,
  int,
  json,
  list,
  money,
  oneOf,
  percent,
  text,
  uuid,
} from '../../etl/stream/words.ts'

/** Every word, with each of its options. */
export const WORDS: Readonly<Record<string, Field<unknown>>> = {
  uuid: uuid(),
  text: text(9),
  oneOf: oneOf(['web', 'store']),
  currencyCode: currencyCode(),
  money: money(),
  decimal: decimal({ digits: 9, scale: 6 }),
  'decimal without decimals': decimal({ digits: 30, scale: 0 }),
  int: int(),
  'int of a range': int({ min: -5, max: 5 }),
  instant: instant(),
  'instant in seconds': instant({ epoch: 's' }),
  'instant in milliseconds': instant({ epoch: 'ms' }),
  'instant in microseconds': instant({ epoch: 'us' }),
  day: day(),
  flag: flag(),
  percent: percent(),
  list: list(text(5)),
  json: json({ maxBytes: 100 }),
}
