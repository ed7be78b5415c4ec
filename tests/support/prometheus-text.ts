/** What a scrape brought: each metric's type and help, and each series' value. */
export interface Scrape {
  readonly metrics: ReadonlyMap<string, { readonly type: string; readonly help: string }>
  /** By name and labels as written: `pulse_runs_total{kind="tick",status="failed"}`. */
  readonly series: ReadonlyMap<string, number>
}

/** Reads Prometheus' text format. @throws Error on a line that it does not have. */
export function readScrape(text: string): Scrape {
  const metrics = new Map<string, { type: string; help: string }>()
  const series = new Map<string, number>()
  for (const line of text.split('\n').filter((each) => each !== '')) {
    const [, about, metric, rest] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? []
    const [, name, value] = /^([a-z]\w*(?:\{\w+="[^"]*"(?:,\w+="[^"]*")*\})?) (\S+)$/.exec(line) ?? []
    if (about === 'HELP') metrics.set(metric!, { type: '', help: rest! })
    else if (about === 'TYPE') metrics.set(metric!, { ...metrics.get(metric!)!, type: rest! })
    else if (name !== undefined && isNumber(value!) && !series.has(name)) series.set(name, Number(value))
    else throw new Error(`not a line of Prometheus' text format, or a series told twice: ${line}`)
  }
  return { metrics, series }
}

// As Go reads it.
const isNumber = (value: string) => /^(nan|[+-]inf)$/i.test(value) || !Number.isNaN(Number(value))

/** Our own metrics, with the labels that their series have; `le` of a histogram's buckets is not ours. */
export function ourMetrics({ metrics, series }: Scrape): Map<string, { type: string; labels: string[] }> {
  return new Map(
    [...metrics]
      .filter(([name]) => name.startsWith('pulse_'))
      .map(([name, { type }]) => {
        const own = [...series.keys()].filter((key) =>
          new RegExp(`^${name}${type === 'histogram' ? '_(bucket|sum|count)' : ''}(\\{|$)`).test(key),
        )
        const labels = own.flatMap((key) => [...key.matchAll(/(\w+)="/g)].map(([, label]) => label!))
        return [name, { type, labels: [...new Set(labels)].filter((label) => label !== 'le') }]
      }),
  )
}
