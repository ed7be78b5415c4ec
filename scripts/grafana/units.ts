/** How numbers are shown: Grafana's id of the unit, and decimals. */
export const COUNT = { unit: 'locale', decimals: 0 } as const
/** Without a sign: the currency is named beside it. */
export const MONEY = { unit: 'locale', decimals: 2 } as const
export const SHARE = { unit: 'percentunit', decimals: 2 } as const
export const SECONDS = { unit: 's', decimals: 1 } as const
export const WHOLE_SECONDS = { unit: 's', decimals: 0 } as const
export const MILLISECONDS = { unit: 'ms', decimals: 0 } as const
export const BYTES = { unit: 'bytes', decimals: 0 } as const
export const PER_SECOND = { unit: 'cps', decimals: 1 } as const
