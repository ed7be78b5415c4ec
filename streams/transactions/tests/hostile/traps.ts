import {
  list,
  OF_EVENT_TIME,
  OF_MONEY,
  ofText,
  trapsOf,
  type FieldTraps,
} from '../../../../tests/hostile/traps.ts'

/** Of one field: JSON texts by what becomes of a message that has them there. */
const FIELDS: Readonly<Record<string, FieldTraps>> = {
  amount: OF_MONEY,
  order_id: {
    loaded: list(String.raw`"6ba7b810-9dad-11d1-80b4-00c04fd430c8"
      "0193f0a0-1c2d-7abc-9def-0123456789ab"
      "3f2b8c1e-9a4d-0e6b-ff10-2c5d7a9b1e34"
      "3F2B8C1E-9A4D-4E6B-8F10-2C5D7A9B1E35"
      "00000000-0000-0000-0000-000000000000"
      "ffffffff-ffff-ffff-ffff-ffffffffffff"
      "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF"
      "\u0033f2b8c1e-9a4d-4e6b-8f10-2c5d7a9b1e36"`),
    schema_violation: list(String.raw`"{3f2b8c1e-9a4d-4e6b-8f10-2c5d7a9b1e34}"
      "urn:uuid:3f2b8c1e-9a4d-4e6b-8f10-2c5d7a9b1e34"
      "3f2b8c1e9a4d4e6b8f102c5d7a9b1e34"
      "3f2b8c1e-9a4d-4e6b-8f10-2c5d7a9b1e3"
      "3f2b8c1e-9a4d-4e6b-8f10-2c5d7a9b1e345"
      "3f2b8c1e-9a4d-4e6b-8f10-2c5d7a9b1e34\n"
      " 3f2b8c1e-9a4d-4e6b-8f10-2c5d7a9b1e34"
      "3f2b8c1e-9a4d-4e6b-8f10-2c5d7a9b1e3\u0000"
      "3g2b8c1e-9a4d-4e6b-8f10-2c5d7a9b1e34"
      "3f2b8c1e-9a4d-4e6b-8f10-2c5d7a9b1e3４"
      "3f2b-8c1e-9a4d-4e6b-8f10-2c5d7a9b1e34"
      ["3f2b8c1e-9a4d-4e6b-8f10-2c5d7a9b1e34"]
      "order-1"  ""  12  null  true  {}`),
  },
  currency: {
    loaded: list(String.raw`"EUR"  "JPY"  "CLF"  "XAU"  "XTS"  "XXX"  "XCG"  "BGN"  "\u0045UR"`),
    schema_violation:
      list(String.raw`"eur"  "Eur"  "EU"  "EURO"  "€"  "978"  978  "DEM"  "HRK"  "ZZZ"  "BTC"  ""
      " EUR"  "EUR "  "EUR\n"  "EUR\u0000"  "ЕUR"  "ＥＵＲ"  "constructor"  "__proto__"  null  ["EUR"]`),
  },
  timestamp: OF_EVENT_TIME,
  customer_id: ofText(50),
  product_category: ofText(50),
}

export const TRAPS = trapsOf(FIELDS, { field: 'amount', good: '7', bad: '-5', text: 'customer_id' })
