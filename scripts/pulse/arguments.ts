import { InvalidArgumentError, type Command, type CommandOptions } from 'commander'

/** Puts examples in front of a command's help, where readers look first. */
export function withExamples(command: Command, ...lines: readonly string[]): Command {
  return command.addHelpText(
    'before',
    `Examples:\n${lines.map((line) => `  npm run pulse -- ${line}`).join('\n')}\n`,
  )
}

/** Adds a command: its name, what it does, and examples as one types them after `pulse`. */
export const addCommand = (
  parent: Command,
  name: string,
  description: string,
  examples: readonly string[],
  options?: CommandOptions,
): Command => withExamples(parent.command(name, options).description(description), ...examples)

export const JSON_OPTION = ['--json', 'print JSON instead'] as const

/** A whole number in these bounds. @throws InvalidArgumentError */
export const wholeNumber =
  (min: number, max: number) =>
  (text: string): number => {
    const n = Number(text)
    if (!/^\d+$/.test(text) || n < min || n > max)
      throw new InvalidArgumentError(`It is not a whole number from ${min} to ${max}.`)
    return n
  }

export const aPartition = wholeNumber(0, 2_147_483_647)
export const anOffset = wholeNumber(0, Number.MAX_SAFE_INTEGER)
export const anId = wholeNumber(1, Number.MAX_SAFE_INTEGER)
export const aLimit = wholeNumber(1, 100_000)
export const seconds = wholeNumber(1, 86_400)

const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** A moment: so long ago (90s, 30m, 2h, 7d), or ISO 8601. */
export function aMoment(text: string): Date {
  const ago = /^(\d{1,9})([smhd])$/.exec(text)
  if (ago !== null) return new Date(Date.now() - Number(ago[1]) * UNITS[ago[2]!]!)
  const at = new Date(text)
  if (!/^\d{4}-\d{2}-\d{2}/.test(text) || Number.isNaN(at.getTime()))
    throw new InvalidArgumentError(
      'It is neither an age such as 30m, 2h or 7d, nor a time such as 2026-03-01T12:00:00Z.',
    )
  return at
}
