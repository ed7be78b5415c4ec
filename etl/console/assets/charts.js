import uPlot from './uplot.js'

const HEIGHT = 180
const drawn = new Map()

/** Draws each chart of the page from the data beside it; again when the data, the width or the colours changed. */
export function drawCharts() {
  for (const figure of document.querySelectorAll('[data-chart]')) {
    const text = figure.querySelector('script[type="application/json"]').textContent
    const known = drawn.get(figure.id)
    if (known?.text === text) continue
    const { times, series } = JSON.parse(text)
    const data = [times, ...series.map(({ values }) => values)]
    if (known === undefined) drawn.set(figure.id, { text, plot: draw(figure, series, data) })
    else {
      known.text = text
      known.plot.setData(data)
    }
  }
}

function redrawAll() {
  for (const { plot } of drawn.values()) plot.destroy()
  drawn.clear()
  drawCharts()
}
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redrawAll)

const resized = new ResizeObserver((entries) => {
  for (const { target, contentRect } of entries) {
    const plot = drawn.get(target.closest('[data-chart]').id)?.plot
    if (plot !== undefined && plot.width !== Math.floor(contentRect.width))
      plot.setSize({ width: Math.floor(contentRect.width), height: HEIGHT })
  }
})

function draw(figure, series, data) {
  const place = figure.querySelector('.plot')
  const styles = getComputedStyle(document.documentElement)
  const color = (name) => styles.getPropertyValue(`--${name}`).trim()
  const axis = {
    stroke: color('muted'),
    grid: { stroke: color('line'), width: 1 },
    ticks: { show: false },
    font: '11px system-ui',
  }
  const plot = new uPlot(
    {
      width: place.clientWidth,
      height: HEIGHT,
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1_000), 'Etc/UTC'),
      fmtDate: (template) => uPlot.fmtDate(template),
      series: [
        {
          value: (_, seconds) =>
            seconds === null ? '–' : `${new Date(seconds * 1_000).toISOString().slice(11, 16)} UTC`,
        },
        ...series.map(({ label, color: name, shape }) => ({
          label,
          stroke: color(name),
          width: 1.75,
          fill: shape === 'bars' ? color(name) : undefined,
          value: (_, value) => (value === null ? '–' : value.toLocaleString('en-US')),
          ...(shape === 'bars'
            ? { width: 0, points: { show: false }, paths: uPlot.paths.bars({ size: [0.7, 24] }) }
            : { points: { show: true, size: 4, fill: color(name) } }),
        })),
      ],
      axes: [
        { ...axis, size: 28, values: HOURS },
        { ...axis, size: 44, values: (_, values) => values.map(short) },
      ],
      scales: { y: { range: (_, __, max) => [0, max > 0 ? max * 1.08 : 1] } },
      cursor: { drag: { x: false, y: false } },
    },
    data,
    place,
  )
  resized.observe(place)
  return plot
}

/** Times of day, in UTC as everywhere in the console. */
const HOURS = (_, seconds) => seconds.map((one) => new Date(one * 1_000).toISOString().slice(11, 16))
const short = (value) => value.toLocaleString('en-US', { notation: 'compact', maximumFractionDigits: 1 })
