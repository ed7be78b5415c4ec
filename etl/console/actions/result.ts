import type { TestResult } from '../../alerts/channels.ts'
import type { Action } from '../../operations/actions.ts'
import type { Forgotten } from '../../forget/forget.ts'
import type { DismissResult } from '../../dead-letters/dismiss.ts'
import { SKIPPED_BECAUSE, type RedriveResult, type SkipReason } from '../../dead-letters/redrive.ts'
import { measuredOf, sampleInWords, type ReplayFigures } from '../../replay/figures.ts'
import { count, thousands } from '../../text/wording.ts'
import { html, nothing, visible, type Html } from '../html.ts'

export function resultInWords({ action, result, target }: Action): Html {
  if (action === 'test_alert') return channels(target['channels'] as readonly TestResult[])
  if (result === null) return nothing
  if (action === 'redrive') return redriven(result as unknown as RedriveResult)
  if (action === 'dismiss') return dismissed(result as unknown as DismissResult)
  if (action === 'replay') return replayed(result as unknown as ReplayFigures, target['dryRun'] === true)
  if (action === 'forget') return overwritten(result as unknown as Forgotten)
  return nothing
}

const overwritten = ({ facts, currentRows, lines, deadLetters }: Forgotten): Html =>
  html`<p>
    Overwritten: what is personal of ${count(facts, 'row')}, ${count(currentRows, 'current row')},
    ${count(lines, 'line')} and ${count(deadLetters, 'dead letter')}.
  </p>`

function redriven({ sent, skipped, tooLarge }: RedriveResult): Html {
  const reasons = Object.entries(skipped) as [SkipReason, number][]
  return html`<p>
      ${count(sent, 'record')} sent again.
      ${sent === 0 ? nothing : 'The next run finds out what becomes of it.'}
    </p>
    <ul>
      ${reasons.map(([reason, n]) => html`<li>${thousands(n)} not sent: ${SKIPPED_BECAUSE[reason]}</li>`)}
    </ul>
    ${
      tooLarge.length === 0
        ? nothing
        : html`<p>Too large: ${tooLarge.map((id) => html`<a href="/dead-letters/${id}">${id}</a> `)}</p>`
    }`
}

const dismissed = ({ dismissed: n, skipped }: DismissResult): Html =>
  html`<p>
    ${count(n, 'dead letter')} dismissed.
    ${skipped.resolved === undefined ? nothing : `${thousands(skipped.resolved)} were resolved meanwhile.`}
  </p>`

function channels(results: readonly TestResult[]): Html {
  if (results.length === 0)
    return html`<p>
      No channel is set up: see ALERT_WEBHOOK_URL, ALERT_SLACK_WEBHOOK_URL and ALERT_SMTP_URL.
    </p>`
  return html`<ul>
    ${results.map(
      ({ channel, ok, error }) =>
        html`<li>
          ${channel}: <span class="badge ${ok ? 'good' : 'bad'}">${ok ? 'sent' : 'failed'}</span>
          ${visible(error ?? '')}
        </li>`,
    )}
  </ul>`
}

function replayed(figures: ReplayFigures, dryRun: boolean): Html {
  const { records, facts, changed, samples } = figures
  return html`<p>
      ${count(changed, 'fact')} ${dryRun ? 'would change' : 'changed'}, of ${count(facts, 'fact')} from
      ${count(records, 'record')}. ${dryRun ? 'Nothing was changed: it is a dry run.' : nothing}
    </p>
    <ul>
      ${leftAlone(figures)}
    </ul>
    <div class="scroll" tabindex="0" role="region" aria-label="Before and after">
      <table>
        <thead>
          <tr>
            <th scope="col">Of all facts found</th>
            <th scope="col" class="number">Before</th>
            <th scope="col" class="number">After</th>
          </tr>
        </thead>
        <tbody>
          ${measuredOf(figures).map(([name, of, sums]) =>
            row(
              `${name[0]!.toUpperCase()}${name.slice(1)} ${of}`.trim(),
              shown(sums.before),
              shown(sums.after),
            ),
          )}
        </tbody>
      </table>
    </div>
    ${
      samples.length === 0
        ? nothing
        : html`<h3>The first that ${dryRun ? 'would change' : 'changed'}</h3>
            <ul>
              ${samples.map(sampleInWords).map(({ of, change }) => html`<li><code>${of}</code>: ${change}</li>`)}
            </ul>`
    }`
}

const row = (what: string, before: string, after: string): Html =>
  html`<tr>
    <th scope="row">${what}</th>
    <td class="number">${before}</td>
    <td class="number">${after}</td>
  </tr>`

/** The records that no fact was held against, and why. */
function leftAlone({ notValid, withoutFact, otherValues, forgotten = 0, gone }: ReplayFigures): Html[] {
  const lines: [number, string][] = [
    [notValid, `${count(notValid, 'record')} not valid by the current code: dead letters, as a rule`],
    [withoutFact, `${count(withoutFact, 'record')} without a fact: duplicates, conflicts, dropped for age`],
    [otherValues, `${count(otherValues, 'fact')} left alone: the current code reads other values`],
    [forgotten, `${count(forgotten, 'fact')} left alone: forgotten`],
    [gone, `${count(gone, 'offset')} passed over: Kafka no longer held them`],
  ]
  return lines.flatMap(([n, line]) => (n === 0 ? [] : [html`<li>${line}</li>`]))
}

/** Counts with their thousands apart; decimals as they are. */
const shown = (sum: number | string): string => (typeof sum === 'number' ? thousands(sum) : sum)
