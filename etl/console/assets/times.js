/** Keeps "12 s ago" and "in 12 s" true, by the server's clock. */
export function keepTimes() {
  setInterval(() => {
    if (document.visibilityState !== 'visible') return
    for (const time of document.querySelectorAll('time[data-ago]'))
      show(time, `${span(now() - at(time))} ago`)
    for (const time of document.querySelectorAll('time[data-until]')) {
      const left = at(time) - now()
      show(time, left > 0 ? `in ${span(left)}` : 'now')
    }
  }, 1_000)
}

const at = (time) => Date.parse(time.dateTime)

/** The reader's clock may be wrong: the page says what the server's was when it was made. */
const skews = new Map()
function now() {
  const said = document.querySelector('main').dataset.now
  if (!skews.has(said)) {
    skews.clear()
    skews.set(said, Date.parse(said) - Date.now())
  }
  return Date.now() + skews.get(said)
}

function show(node, text) {
  if (node.textContent !== text) node.textContent = text
}

/** In two units at most, as the server writes it, but in whole seconds. */
function span(ms) {
  const seconds = Math.max(0, Math.round(ms / 1_000))
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return two(minutes, 'min', seconds % 60, 's')
  const hours = Math.floor(minutes / 60)
  return hours < 24 ? two(hours, 'h', minutes % 60, 'min') : two(Math.floor(hours / 24), 'd', hours % 24, 'h')
}

const two = (n, unit, rest, smaller) => `${n} ${unit}${rest === 0 ? '' : ` ${rest} ${smaller}`}`
