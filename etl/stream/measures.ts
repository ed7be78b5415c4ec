/**
 * Of rollups and figures: how many facts.
 *
 * @param options `where`: only those that have this flag.
 */
export function count(): { readonly measure: 'count' }
export function count<const Flag extends string>(options: {
  readonly where: Flag
}): { readonly measure: 'count'; readonly where: Flag }
export function count(options = {}) {
  return { measure: 'count', ...options }
}

/**
 * Of rollups and figures: the sum of a field that is money or a whole number. Exact, however large.
 *
 * @param options `where`: only of facts that have this flag.
 */
export function sum<const Name extends string>(field: Name): { readonly measure: 'sum'; readonly field: Name }
export function sum<const Name extends string, const Flag extends string>(
  field: Name,
  options: { readonly where: Flag },
): { readonly measure: 'sum'; readonly field: Name; readonly where: Flag }
export function sum(field: string, options = {}) {
  return { measure: 'sum', field, ...options }
}
