/** pino's numbers. */
export const INFO = 30
export const WARN = 40
export const ERROR = 50

/** One line of a program's log. */
export interface LogLine {
  /** The program that said it. */
  readonly from: string
  readonly time: Date
  readonly level: number
  readonly msg: string
  /** All that the line holds. */
  readonly fields: Readonly<Record<string, unknown>>
}

/** @param level of a line that is not of pino's. */
export function readLogLine(from: string, text: string, level = INFO): LogLine {
  const fields = parseObject(text)
  const time = new Date(String(fields?.['time']))
  return {
    from,
    time: Number.isNaN(time.getTime()) ? new Date() : time,
    level: typeof fields?.['level'] === 'number' ? fields['level'] : level,
    msg: typeof fields?.['msg'] === 'string' ? fields['msg'] : text,
    fields: fields ?? {},
  }
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
