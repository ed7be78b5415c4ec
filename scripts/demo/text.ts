/** How the demo's lines look. Terminals of 100 columns show each in one row. */
export const WIDTH = 98

/** `1,234,567.89` from a number of things or from Postgres' own text of a numeric: money is never a float here. */
export function thousands(value: number | string): string {
  const [whole = '', ...fraction] = String(value).split('.')
  return [whole.replaceAll(/\B(?=(\d{3})+$)/g, ','), ...fraction].join('.')
}

/** One row of a terminal: control characters are made visible, and what doesn't fit is cut off. */
export function oneLine(text: string, width = WIDTH): string {
  const line = text
    .replaceAll(/[\r\n\t]+/g, ' ')
    .replaceAll(/\p{Cc}/gu, (char) => `\\u${char.codePointAt(0)!.toString(16).padStart(4, '0')}`)
  return line.length <= width ? line : `${line.slice(0, width - 1)}…`
}

/** Breaks a text between words; lines after the first are indented. */
export function wrapped(text: string, indent = '', width = WIDTH): string {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last === undefined) lines.push(word)
    else if (last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(`${indent}${word}`)
  }
  return lines.join('\n')
}

/** Rows with their cells below each other; a column that begins with a digit somewhere is of numbers. */
export function table(rows: readonly (readonly string[])[], indent = '  '): string[] {
  const columns = Math.max(...rows.map((row) => row.length))
  const widths = Array.from({ length: columns }, (_, i) =>
    Math.max(...rows.map((row) => row[i]?.length ?? 0)),
  )
  const numbers = widths.map((_, i) => rows.some((row) => /^\d[\d,.]*$/.test(row[i] ?? '')))
  return rows.map((row) => {
    const cells = row.map((cell, i) =>
      numbers[i] === true ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!),
    )
    return `${indent}${cells.join('  ')}`.trimEnd()
  })
}

/** Local time of day, as people compare it with their clock. */
export function timeOfDay(time: Date): string {
  return [time.getHours(), time.getMinutes(), time.getSeconds()]
    .map((n) => String(n).padStart(2, '0'))
    .join(':')
}
