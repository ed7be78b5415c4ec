import { under, type Place } from '../web/context.ts'
import type { Visitor } from '../web/guard.ts'
import { html, nothing, type Html } from './html.ts'

type Entry = readonly [path: string, name: string, key: string]

/** The pages of the menu, in its order; the letter after `g` goes there. */
const menuOf = (pages: Place['pages']): readonly Entry[] => [
  ['/', 'Overview', 'o'],
  ['/runs', 'Runs', 'r'],
  ['/dead-letters', 'Dead letters', 'd'],
  ...pages.map(({ path, name, key }): Entry => [path, name, key]),
  ['/actions', 'Actions', 'a'],
  ['/alerts', 'Alerts', 'l'],
]

interface PageOptions {
  readonly title: string
  /** The menu's entry that this page belongs to. */
  readonly menu: string
  readonly place: Place | undefined
  readonly visitor: Visitor
  readonly content: Html
  /** Seconds between two updates of <main>; without it the page stands still. */
  readonly live?: number
}

/** A whole page of the console, for somebody who is logged in. */
export function page({ title, menu, place, visitor, content, live }: PageOptions): Html {
  const entries = menuOf(place?.pages ?? [])
  return document(
    title,
    html`<a class="skip" href="#main">To the content</a>
      <header class="top">
        <a class="brand" href="/"
          ><img src="/assets/icon.svg" alt="" width="22" height="22" />Global Sales Pulse</a
        >
        <nav aria-label="Pages">
          ${entries.map(
            ([path, name, key]) =>
              html`<a href="${path}" data-key="${key}" ${path === menu ? html`aria-current="page"` : nothing}
                >${name}</a
              >`,
          )}
        </nav>
        ${place === undefined ? nothing : streamSwitch(place, entries, menu)}
        <form method="post" action="/logout" class="who">
          <span
            >${visitor.operator.name}${visitor.mayAct ? nothing : html` <span class="badge">read-only</span>`}</span
          >
          <button class="quiet">Log out</button>
        </form>
      </header>
      <main
        id="main"
        tabindex="-1"
        data-now="${new Date().toISOString()}"
        ${live === undefined ? nothing : html`data-live="${live}"`}
      >
        ${content}
      </main>
      <footer class="bottom">
        ${live === undefined ? nothing : liveStatus(live)}
        <button type="button" class="quiet needs-script" data-opens="shortcuts">
          Keyboard shortcuts <kbd>?</kbd>
        </button>
      </footer>
      ${shortcuts(entries)}`,
  )
}

/** The same page of another stream. A page that only some streams have leads to the others' overview. */
function streamSwitch({ streams, stream, pages }: Place, entries: readonly Entry[], menu: string): Html {
  if (streams.length < 2) return nothing
  const isOwn = pages.some(({ path }) => path === menu) || !entries.some(([path]) => path === menu)
  return html`<details class="streams">
    <summary aria-label="Stream: ${stream}">${stream}</summary>
    <nav aria-label="Streams">
      ${streams.map(
        (name) =>
          html`<a
            href="${under(name)}${isOwn && name !== stream ? '/' : menu}"
            ${name === stream ? html`aria-current="true"` : nothing}
            >${name}</a
          >`,
      )}
    </nav>
  </details>`
}

/** What the page says of its own updates; whoever wants to read in peace stops them. */
function liveStatus(seconds: number): Html {
  return html`<span class="live" data-live-status>Updates every ${seconds} s</span>
    <button type="button" class="quiet needs-script" data-live-toggle aria-pressed="false">
      Hold updates
    </button>
    <p class="visually-hidden" role="status" data-announce></p>`
}

function shortcuts(entries: readonly Entry[]): Html {
  return html`<dialog id="shortcuts" aria-labelledby="shortcuts-title">
    <h2 id="shortcuts-title">Keyboard shortcuts</h2>
    <dl class="keys">
      ${entries.map(
        ([, name, key]) =>
          html`<div>
            <dt><kbd>g</kbd> <kbd>${key}</kbd></dt>
            <dd>${name}</dd>
          </div>`,
      )}
      <div>
        <dt><kbd>?</kbd></dt>
        <dd>This list</dd>
      </div>
    </dl>
    <form method="dialog"><button>Close</button></form>
  </dialog>`
}

/** A page for somebody who may not be logged in. */
export function barePage(title: string, content: Html): Html {
  return document(
    title,
    html`<main id="main" class="bare">
      <h1><img src="/assets/icon.svg" alt="" width="32" height="32" />Global Sales Pulse</h1>
      ${content}
    </main>`,
  )
}

function document(title: string, body: Html): Html {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <title>${title} · Global Sales Pulse</title>
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <link rel="icon" href="/assets/icon.svg" type="image/svg+xml" />
        <link rel="stylesheet" href="/assets/uplot.css" />
        <link rel="stylesheet" href="/assets/console.css" />
        <link rel="stylesheet" href="/assets/parts.css" />
        <script type="module" src="/assets/console.js"></script>
      </head>
      <body>
        ${body}
      </body>
    </html>`
}
