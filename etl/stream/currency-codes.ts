/**
 * The currency codes that the contract accepts.
 *
 * The list is data of ours and not `Intl.supportedValuesOf('currency')`: that one follows the ICU
 * inside Node, holds money that is long gone, and lacks funds and metals. A newer Node would decide
 * otherwise about a record than the one that first read it.
 *
 * A code is added when ISO adds it and never taken away: what was loaded once has to load again when
 * a lost warehouse is rebuilt from the topic.
 */

/**
 * ISO 4217 list one as of amendment 180 (in force since 2026-01-01), whole: also funds (CLF), metals
 * (XAU), XTS and XXX, because each of them is an ISO 4217 code and the contract asks for no more.
 */
const LIST_ONE = `
  AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD
  CAD CDF CHE CHF CHW CLF CLP CNY COP COU CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP
  GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR
  KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN
  MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD
  SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX
  USD USN UYI UYU UYW UZS VED VES VND VUV WST XAD XAF XAG XAU XBA XBB XBC XBD XCD XCG XDR XOF XPD
  XPF XPT XSU XTS XUA XXX YER ZAR ZMW ZWG
`

/**
 * Withdrawn less than TRANSACTION_MAX_AGE_DAYS (three years by default) before this list was made,
 * so that a sale from before still loads: SLL 2023-12, ZWL 2024-09, ANG 2025-03, BGN 2025-12.
 */
const WITHDRAWN = 'SLL ZWL ANG BGN'

/** Every currency code that is accepted, upper-case. */
export const CURRENCY_CODES: ReadonlySet<string> = new Set(`${LIST_ONE} ${WITHDRAWN}`.trim().split(/\s+/))

/**
 * Decimals of the currencies whose smallest unit is no hundredth, of the same list one. Data of ours for the same
 * reason: Intl follows CLDR, which says what people write (no decimals of a Hungarian forint), not what ISO says.
 *
 * An entry may get more decimals and never fewer: what was loaded once has to load again. A currency that loses
 * decimals keeps them here, and a stream that wants the new rule has it as a later rule, from its day on:
 * `accepts: ({ price }) => price.currency !== 'ISK' || price.minor % 100 === 0`.
 */
const MINOR_UNITS: Readonly<Record<number, string>> = {
  0: 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF',
  3: 'BHD IQD JOD KWD LYD OMR TND',
  // The last have no unit of their own in the list ("N.A."): funds, metals, and the codes for tests and for none.
  4: 'CLF UYW XAG XAU XBA XBB XBC XBD XDR XPD XPT XSU XTS XUA XXX',
}

const DECIMALS: ReadonlyMap<string, number> = new Map(
  Object.entries(MINOR_UNITS).flatMap(([decimals, codes]) =>
    codes.split(' ').map((code) => [code, Number(decimals)] as const),
  ),
)

/**
 * How many decimals an amount of this currency may have: 2 of EUR, 0 of JPY, 3 of KWD. Where ISO 4217 names no
 * smallest unit, 4.
 */
export const decimalsOf = (code: string): number => DECIMALS.get(code) ?? 2
