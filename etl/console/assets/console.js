import { copyOnClick } from './copy.js'
import { keepKeyboard } from './keyboard.js'
import { keepLive } from './live.js'
import { keepTimes } from './times.js'

document.documentElement.classList.add('script')
keepKeyboard()
copyOnClick()
keepTimes()

const drawCharts =
  document.querySelector('[data-chart]') === null ? undefined : (await import('./charts.js')).drawCharts
drawCharts?.()

const live = document.querySelector('main[data-live]')
if (live !== null) keepLive(live, Number(live.dataset.live) * 1000, () => drawCharts?.())
