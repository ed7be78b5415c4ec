import { duration, thousands } from '../text/wording.ts'
import { html, type Html } from './html.ts'

/** 2026-11-21 13:33:50, in UTC. */
const utc = (at: Date): string => at.toISOString().slice(0, 19).replace('T', ' ')

export function instant(at: Date): Html {
  return html`<time datetime="${at.toISOString()}">${utc(at)}<span class="unit"> UTC</span></time>`
}

/** How long ago something was; the page keeps it up to date. */
export function ago(at: Date): Html {
  return html`<time class="ago" datetime="${at.toISOString()}" title="${utc(at)} UTC" data-ago
    >${duration(Math.max(0, Date.now() - at.getTime()))} ago</time
  >`
}

/** How long it will take until an instant; the page counts down. */
export function until(at: Date): Html {
  const left = at.getTime() - Date.now()
  return html`<time datetime="${at.toISOString()}" title="${utc(at)} UTC" data-until
    >${left > 0 ? `in ${duration(left)}` : 'now'}</time
  >`
}

/** Both: when, and how long ago. */
export function moment(at: Date): Html {
  return html`${instant(at)} ${ago(at)}`
}

/** 1234567.80 is 1,234,567.80: decimal text all the way, for money is never a float. */
export function money(amount: string): string {
  const [whole = '', cents] = amount.split('.')
  const grouped = whole.replaceAll(/\B(?=(\d{3})+$)/g, ',')
  return cents === undefined ? grouped : `${grouped}.${cents}`
}

/** Few digits for few, none of them invented: 0.25, 3.4, 120, 12,000. */
export function rate(perSecond: number): string {
  if (perSecond === 0) return '0'
  if (perSecond < 1) return perSecond.toFixed(2)
  return perSecond < 10 ? perSecond.toFixed(1) : thousands(Math.round(perSecond))
}

export function percent(part: number, whole: number): string {
  return whole === 0 ? '–' : `${((part / whole) * 100).toFixed(1)} %`
}

export const orDash = <T>(value: T | null, shown: (value: T) => Html | string): Html | string =>
  value === null ? '–' : shown(value)
