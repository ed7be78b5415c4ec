import { tmpdir, userInfo } from 'node:os'
import { join, resolve } from 'node:path'
import type { Definition } from '../../../etl/stream/definition.ts'
import { streams } from '../../../streams/index.ts'

export interface Settings {
  /** Loaded at once by the same workers. */
  readonly streams: readonly Definition[]
  /** Faults in all. */
  readonly kills: number
  /** Stops striking after so many; undefined without a limit. */
  readonly minutes: number | undefined
  /** 0 to 2^32 - 1; undefined where the storm chooses. */
  readonly seed: number | undefined
  /** What is kept from one start to the next. */
  readonly directory: string
}

/** A variable that the storm can't go by: names it and what it accepts. */
export class BadSetting extends Error {
  override readonly name = 'BadSetting'
}

/** @throws BadSetting */
export function readSettings(env: NodeJS.ProcessEnv): Settings {
  const directory = env['STORM_DIR'] ?? ''
  return {
    streams: chosen(env['STORM_STREAMS'] ?? ''),
    kills: wholeNumber(env, 'KILLS', 1, 1_000_000) ?? 1_000,
    minutes: wholeNumber(env, 'MINUTES', 1, 10_080),
    seed: wholeNumber(env, 'STORM_SEED', 0, 2 ** 32 - 1),
    directory: directory === '' ? join(tmpdir(), `pulse-storm-${userInfo().username}`) : resolve(directory),
  }
}

/** What a storm can judge: by its fields a record must say which others it is of. */
const judged = streams.filter(
  ({ identity }) =>
    identity.each === undefined &&
    (identity.latest === undefined || (identity.by !== 'log' && typeof identity.deletedWhen !== 'function')),
)

/** Unless told the first that happens once and the first that has versions. */
function chosen(names: string): readonly Definition[] {
  const { once = [], latest = [] } = Object.groupBy(judged, ({ identity }) =>
    identity.latest === undefined ? 'once' : 'latest',
  )
  if (names.trim() === '') return [...once.slice(0, 1), ...latest.slice(0, 1)]
  return names.split(/[\s,]+/).map((name) => {
    const stream = judged.find((one) => one.name === name)
    if (stream !== undefined) return stream
    throw new BadSetting(
      `STORM_STREAMS names ${JSON.stringify(name.slice(0, 80))}; it may name ${judged.map((one) => one.name).join(', ')}`,
    )
  })
}

function wholeNumber(env: NodeJS.ProcessEnv, name: string, min: number, max: number): number | undefined {
  const text = env[name] ?? ''
  if (text === '') return undefined
  const value = Number(text)
  if (/^\d{1,10}$/.test(text) && value >= min && value <= max) return value
  throw new BadSetting(
    `${name} ${JSON.stringify(text.slice(0, 80))} is not a whole number from ${min} to ${max}`,
  )
}
