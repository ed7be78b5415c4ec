/** How long after `g` the second letter may come. */
const PAUSE_MS = 1_500

/** `g` and a letter goes to a page, `?` shows the list, arrows move within a strip. Never while somebody types. */
export function keepKeyboard() {
  let goingUntil = 0
  document.addEventListener('keydown', (event) => {
    const { key, target, timeStamp } = event
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(target)) return
    if (moveInStrip(key, target)) event.preventDefault()
    else if (document.querySelector('dialog[open]') === null) {
      if (key === '?') show('shortcuts')
      else if (timeStamp < goingUntil) document.querySelector(`a[data-key="${CSS.escape(key)}"]`)?.click()
      goingUntil = key === 'g' ? timeStamp + PAUSE_MS : 0
    }
  })
  document.addEventListener('click', ({ target }) => {
    const id = target instanceof Element && target.closest('[data-opens]')?.dataset.opens
    if (id) show(id)
  })
}

const isTyping = (target) =>
  target instanceof HTMLElement &&
  (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.nodeName))

function show(id) {
  document.getElementById(id)?.showModal()
}

/** One stop of the Tab key for a whole strip of links, and arrows within it; the first is the rightmost. */
function moveInStrip(key, target) {
  const strip = target instanceof Element ? target.closest('[data-arrows]') : null
  if (strip === null) return false
  const links = [...strip.querySelectorAll('a')]
  const from = links.indexOf(target)
  const to = { ArrowLeft: from + 1, ArrowRight: from - 1, Home: links.length - 1, End: 0 }[key]
  if (links[to] === undefined) return false
  target.tabIndex = -1
  links[to].tabIndex = 0
  links[to].focus()
  return true
}
