/** 20000 is 20,000. */
export const thousands = (n: number): string => n.toLocaleString('en-US')

/** 1 batch, 2 batches, 12,000 batches. */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${thousands(n)} ${n === 1 ? one : many}`
}

/** The offsets from one up to but without another: offset 7, offsets 7 to 9. Plain, as commands take them. */
export function offsets(from: number, to: number): string {
  return to - from === 1 ? `offset ${from}` : `offsets ${from} to ${to - 1}`
}

/** A span of time in two units at most: 850 ms, 4.2 s, 3 min 20 s, 5 h 12 min, 3 d 4 h. */
export function duration(ms: number): string {
  if (ms < 0) return `-${duration(-ms)}`
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 9_950) return `${(ms / 1_000).toFixed(1)} s`
  const seconds = Math.round(ms / 1_000)
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min${unlessZero(seconds % 60, 's')}`
  const hours = Math.floor(minutes / 60)
  if (hours < 24) return `${hours} h${unlessZero(minutes % 60, 'min')}`
  return `${Math.floor(hours / 24)} d${unlessZero(hours % 24, 'h')}`
}

const unlessZero = (n: number, unit: string): string => (n === 0 ? '' : ` ${n} ${unit}`)
