/** 1 table, 2 tables, 12,000 indexes. */
export function count(n: number, noun: string): string {
  return `${thousands(n)} ${n === 1 ? noun : plural(noun)}`
}

function plural(noun: string): string {
  if (noun.endsWith('x')) return `${noun}es`
  return noun.endsWith('y') && !noun.endsWith('ey') ? `${noun.slice(0, -1)}ies` : `${noun}s`
}

export const thousands = (n: number): string => Math.round(n).toLocaleString('en-US')

/** The first few names and how many more there are, so that a line stays a line. */
export function list(names: string[], most = 6): string {
  if (names.length <= most) return names.join(', ')
  return `${names.slice(0, most).join(', ')} and ${thousands(names.length - most)} more`
}
