import { Idiomorph } from './idiomorph.js'

/** So long may an answer take before it counts as none. */
const LIMIT_MS = 10_000

/**
 * Fetches the page again and again while somebody looks at it, and morphs what changed into place. What the
 * reader has opened, typed, chosen or focused stays. A failure is said and ends nothing.
 */
export function keepLive(main, everyMs, afterUpdate) {
  const status = document.querySelector('[data-live-status]')
  const announcer = document.querySelector('[data-announce]')
  const toggle = document.querySelector('[data-live-toggle]')
  let held = false
  let updatedAt = new Date()
  let timer
  let underWay = false

  document.addEventListener('visibilitychange', soon)
  toggle.addEventListener('click', () => {
    held = !held
    toggle.setAttribute('aria-pressed', String(held))
    status.textContent = held ? `Held since ${clock(updatedAt)}` : 'Updating'
    soon()
  })
  wait()

  function wait() {
    clearTimeout(timer)
    timer = setTimeout(update, everyMs)
  }

  function soon() {
    if (document.visibilityState === 'visible' && !held) void update()
  }

  async function update() {
    if (underWay) return
    underWay = true
    try {
      if (document.visibilityState === 'visible' && !held) await refresh()
    } catch (error) {
      status.textContent = `Not updated since ${clock(updatedAt)}: ${reason(error)}. It tries again.`
      status.classList.add('bad')
      document.body.classList.add('stale')
    } finally {
      underWay = false
      wait()
    }
  }

  async function refresh() {
    const answer = await fetch(location.href, {
      headers: { accept: 'text/html' },
      signal: AbortSignal.timeout(LIMIT_MS),
    })
    if (answer.redirected) return location.reload() // logged out: the server leads to the login
    if (!answer.ok) throw new Error(`the console answered ${answer.status}`)
    const next = new DOMParser().parseFromString(await answer.text(), 'text/html')
    if (held) return undefined
    const before = stateOf(main)
    Idiomorph.morph(main, next.querySelector('main'), {
      morphStyle: 'outerHTML',
      ignoreActiveValue: true,
      callbacks,
    })
    document.title = next.title
    updatedAt = new Date()
    status.textContent = `Updated ${clock(updatedAt)}`
    status.classList.remove('bad')
    document.body.classList.remove('stale')
    if (stateOf(main) !== before) announcer.textContent = `State: ${stateOf(main)}`
    return afterUpdate()
  }
}

const callbacks = {
  beforeNodeMorphed: (old) => !(old instanceof Element && (old.hasAttribute('data-keep') || wasChanged(old))),
  beforeAttributeUpdated: (name, node) =>
    !(name === 'open' && /^(DETAILS|DIALOG)$/.test(node.nodeName)) &&
    !(name === 'tabindex' && node.closest('[data-arrows]')),
}

/** Whether the reader has typed into a field or chosen something in it. */
function wasChanged(field) {
  if (field instanceof HTMLSelectElement)
    return [...field.options].some((option) => option.selected !== option.defaultSelected)
  if (field instanceof HTMLInputElement)
    return field.value !== field.defaultValue || field.checked !== field.defaultChecked
  return field instanceof HTMLTextAreaElement && field.value !== field.defaultValue
}

const stateOf = (main) => main.querySelector('[data-state]')?.dataset.state
const clock = (at) => at.toLocaleTimeString('en-GB')

function reason(error) {
  if (error.name === 'TimeoutError') return 'the console does not answer'
  return error instanceof TypeError ? 'the console is out of reach' : error.message
}
