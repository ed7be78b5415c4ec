import type { Batch } from '../../status/runs.ts'
import { duration } from '../../text/wording.ts'
import { html, nothing, type Html } from '../html.ts'

const STAGES = [
  ['extract', ({ extractMs }: Batch) => extractMs],
  ['validate', ({ validateMs }: Batch) => validateMs],
  ['transform', ({ transformMs }: Batch) => transformMs],
  ['load', ({ loadMs }: Batch) => loadMs],
] as const

/** Units of a lane's drawing, which is stretched to the page's width. */
const WIDTH = 1_000
const HEIGHT = 20
/** What took no time to speak of is seen all the same. */
const LEAST = 1

interface Bar {
  readonly stage: (typeof STAGES)[number][0]
  /** Milliseconds since the epoch. */
  readonly from: number
  readonly to: number
}

/** When each stage of a batch was: one after the other, the last one ended when the batch was loaded. */
export function barsOf(batch: Batch): Bar[] {
  const durations = STAGES.map(([, took]) => took(batch))
  let at = batch.loadedAt.getTime() - durations.reduce((sum, ms) => sum + ms, 0)
  return STAGES.map(([stage], i) => {
    const from = at
    at += durations[i]!
    return { stage, from, to: at }
  })
}

/** A lane of time for each partition, with the stages of its batches. The table below says the same in numbers. */
export function gantt(batches: readonly Batch[]): Html {
  if (batches.length === 0) return nothing
  const bars = new Map(batches.map((batch) => [batch, barsOf(batch)]))
  const begin = Math.min(...batches.map((batch) => bars.get(batch)![0]!.from))
  const end = Math.max(...batches.map(({ loadedAt }) => loadedAt.getTime()), begin + 1)
  const lanes = Map.groupBy(batches, ({ partition }) => partition)
  const place = (time: number) => ((time - begin) / (end - begin)) * WIDTH
  return html`<div class="gantt">
    <ul class="legend" aria-label="Stages">
      ${STAGES.map(([stage]) => html`<li class="${stage}"><span class="swatch"></span>${stage}</li>`)}
    </ul>
    ${[...lanes.entries()]
      .sort(([a], [b]) => a - b)
      .map(
        ([partition, its]) =>
          html`<div class="lane">
            <span class="name">Partition ${partition}</span>
            <svg
              viewBox="0 0 ${WIDTH} ${HEIGHT}"
              preserveAspectRatio="none"
              role="img"
              aria-label="Stages of the batches of partition ${partition}, in time; the table below has the numbers"
            >
              ${its.map((batch) => drawn(batch, bars.get(batch)!, place))}
            </svg>
          </div>`,
      )}
    <div class="axis" aria-hidden="true">
      ${[0, 0.25, 0.5, 0.75, 1].map((share) => html`<span>${share === 0 ? '0' : duration((end - begin) * share)}</span>`)}
    </div>
  </div>`
}

function drawn(batch: Batch, bars: readonly Bar[], place: (time: number) => number): Html {
  const stages = STAGES.map(([stage, took]) => `${stage} ${duration(took(batch))}`).join(', ')
  return html`<g>
    <title>${batch.batchId}: ${stages}</title>
    ${bars.map(({ stage, from, to }) => {
      const x = place(from)
      return html`<rect
        class="${stage}"
        x="${x.toFixed(2)}"
        y="2"
        width="${Math.max(LEAST, place(to) - x).toFixed(2)}"
        height="${HEIGHT - 4}"
      />`
    })}
  </g>`
}
