import { html, type Html } from './html.ts'

/** Shapes of 16 by 16, in the colour of the text beside them. They say nothing that the text doesn't. */
const PATHS = {
  check: 'M3 8.5l3.2 3.2L13 5',
  cross: 'M4 4l8 8M12 4l-8 8',
  dash: 'M3 8h10',
  pause: 'M5.5 3.5v9M10.5 3.5v9',
  stop: 'M4 4h8v8H4z',
  play: 'M5 3.5l7 4.5-7 4.5z',
  clock: 'M8 2a6 6 0 1 0 .01 0M8 5v3.2l2.2 1.6',
  unplugged: 'M2 14l3-3M5 8l3 3M4.5 8.5a2.5 2.5 0 0 0 3.5 3M14 2l-3 3M8.5 4.5a2.5 2.5 0 0 1 3 3.5',
  warning: 'M8 2.2l6.2 11H1.8zM8 6.5v3M8 11.4v.1',
  rest: 'M3.2 8a4.8 4.8 0 1 0 9.6 0 4.8 4.8 0 1 0-9.6 0',
  down: 'M8 3v9M4 8.5L8 12.5l4-4',
  up: 'M8 13V4M4 7.5L8 3.5l4 4',
} as const
export type Icon = keyof typeof PATHS

export function icon(name: Icon): Html {
  return html`<svg
    class="icon"
    viewBox="0 0 16 16"
    width="16"
    height="16"
    aria-hidden="true"
    focusable="false"
  >
    <path
      d="${PATHS[name]}"
      fill="none"
      stroke="currentColor"
      stroke-width="1.8"
      stroke-linecap="round"
      stroke-linejoin="round"
    />
  </svg>`
}

/** How something stands; each has its colour, and never that alone. */
export type Tone = 'good' | 'busy' | 'warn' | 'bad' | 'calm'

export function badge(tone: Tone, name: Icon, words: string): Html {
  return html`<span class="badge ${tone}">${icon(name)}${words}</span>`
}
