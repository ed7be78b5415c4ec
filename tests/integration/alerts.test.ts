import type { Pool } from 'pg'
import { pino, type Logger } from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { configuredChannels } from '../../etl/alerts/channels.ts'
import { deliverWaiting, giveUpOld, type DeliveryOptions } from '../../etl/alerts/deliver.ts'
import { endAlertsOfRemoved, look, type Lookout } from '../../etl/alerts/evaluate.ts'
import { readAlerts, type AlertRule } from '../../etl/alerts/alert.ts'
import { RULES } from '../../etl/alerts/rules.ts'
import { startAlerts } from '../../etl/alerts/watch.ts'
import { readConfig } from '../../etl/process/config.ts'
import { describeError } from '../../etl/process/log.ts'
import { createPool } from '../../etl/postgres/pool.ts'
import {
  contract,
  acknowledged,
  batch,
  loss,
  pause,
  resumed,
  run,
  stopped,
  present,
  slow,
} from '../support/alert-situations.ts'
import type { LogLine } from '../support/child.ts'
import { anHttpReceiver } from '../support/http-receiver.ts'
import { aMailServer, MAIL_PASSWORD, MAIL_USER } from '../support/mail-server.ts'
import { stream } from '../support/stream.ts'
import { waitFor } from '../support/wait-for.ts'
import { aWorld } from '../support/world.ts'

/** Alerts from a finding to a message, as the loader, with real servers at the other end. */

const CONTEXT = {
  stream: stream.name,
  topic: 't',
  prefix: '',
  lateSeconds: 180,
  deadLetterRatio: 0.05,
  watchedSeconds: 0,
}
const never = new AbortController().signal

interface Watched {
  readonly pool: Pool
  readonly logger: Logger
  readonly logs: readonly LogLine[]
  /** As the superuser. */
  happens(...statements: readonly string[]): Promise<void>
  /** Looks, and sends what is due, as each worker does. */
  tick(workers?: number): Promise<void>
  /** What waits is due now. */
  makeDue(): Promise<void>
}

async function aWatch(alertEnv: Readonly<Record<string, string>> = {}): Promise<Watched> {
  const world = await aWorld({ withoutTopics: true, env: alertEnv })
  const logs: LogLine[] = []
  const logger = pino(
    { level: 'debug', serializers: { err: describeError } },
    { write: (line: string) => void logs.push(JSON.parse(line) as LogLine) },
  )
  const config = readConfig(['database', 'alerts'], world.env)
  const pool = createPool(config, 'pulse_loader', logger)
  onTestFinished(() => pool.end())
  const channels = configuredChannels(config)
  const lookout: Lookout = { pool, logger, rules: RULES, channels: channels.map(({ name }) => name) }
  const delivery: DeliveryOptions = { pool, logger, linkOf: (rule) => `https://pulse.example.com/${rule}` }
  return {
    pool,
    logger,
    logs,
    happens: async (...statements) => {
      for (const statement of statements) await world.pool.query(statement)
    },
    tick: async (workers = 1) => {
      const side = Array.from({ length: workers })
      for (const context of [CONTEXT, { ...CONTEXT, stream: '' }])
        await Promise.all(side.map(() => look(lookout, context, never)))
      await Promise.all(
        side.flatMap(() => channels.map((channel) => deliverWaiting(delivery, channel, never))),
      )
    },
    makeDue: async () =>
      void (await world.pool.query('update audit.alert_notifications set next_attempt_at = now()')),
  }
}

/** What an installation of the one stream watches. */
const ONE_STREAM = { streams: [{ stream: stream.name, topic: 't' }], pagesOf: () => '' }

const all = (pool: Pool) => readAlerts(pool, stream.name, { open: false, limit: 100 })

const lifecycles: [rule: string, begins: string[], ends: string[]][] = [
  ['run_failed', [run({ status: 'failed', ago: 150 })], [run({ ago: 10 })]],
  [
    'late',
    [run({ ago: 240 }), run({ status: 'abandoned', ago: 230 }), run({ status: 'abandoned', ago: 30 })],
    [run({ ago: 5 })],
  ],
  [
    'partition_stopped',
    [stopped(0, 'mass_rejection')],
    ['update audit.partition_progress set stop_code = null'],
  ],
  ['data_loss', [loss(0, 10, 30)], [acknowledged]],
  ['dead_letter_ratio', [run(), batch({ dead: 50 })], [run(), batch({ consumed: 100_000 })]],
  [
    'contracts_differ',
    [contract('w', 'another')],
    [`update audit.workers set seen_at = now() - interval '1 hour' where name = 'w'`],
  ],
  ['slow_record', [present('w'), slow('w', 200)], [`update audit.workers set longest_step_ms = 0`]],
  ['paused', [pause(7_200)], [`update audit.control set paused_at = null`, resumed(0)]],
]

test.each(lifecycles)('%s is sent once when it starts and once when it ends', async (rule, begins, ends) => {
  const receiver = await anHttpReceiver()
  const watch = await aWatch({ ALERT_WEBHOOK_URL: receiver.url })
  const sent = () => receiver.received.map(({ body }) => body as Record<string, unknown>)
  await watch.tick()
  expect(sent()).toEqual([])

  await watch.happens(...begins)
  for (let tick = 0; tick < 3; tick++) await watch.tick()
  expect(sent()).toMatchObject([{ event: 'started', rule, ended_at: null }])
  expect(sent()[0]!['link']).toBe(`https://pulse.example.com/${rule}`)

  await watch.happens(...ends)
  for (let tick = 0; tick < 3; tick++) await watch.tick()
  expect(sent()).toMatchObject([
    { event: 'started', id: sent()[1]!['id'], summary: sent()[1]!['summary'] },
    {
      event: 'ended',
      rule,
      started_at: sent()[0]!['started_at'],
      ended_at: expect.stringMatching(/Z$/) as string,
    },
  ])
})

test('every rule has a lifecycle here', () => {
  expect(lifecycles.map(([rule]) => rule).sort()).toEqual(RULES.map(({ id }) => id).sort())
})

test('many workers that look and send at once send once', async () => {
  const receiver = await anHttpReceiver()
  const watch = await aWatch({ ALERT_WEBHOOK_URL: receiver.url })
  await watch.happens(loss(0, 1, 2), loss(1, 1, 2), stopped(0, 'log_differs'))
  for (let tick = 0; tick < 3; tick++) await watch.tick(6)
  expect(receiver.received).toHaveLength(3)
  await watch.happens(acknowledged)
  for (let tick = 0; tick < 3; tick++) await watch.tick(6)
  expect(receiver.received.map(({ body }) => (body as { event: string }).event).sort()).toEqual([
    'ended',
    'ended',
    'started',
    'started',
    'started',
  ])
})

test('one partition’s alert ends while another’s goes on', async () => {
  const watch = await aWatch()
  await watch.happens(stopped(0, 'log_differs'), stopped(1, 'log_differs'))
  await watch.tick()
  await watch.happens('update audit.partition_progress set stop_code = null where partition = 0')
  await watch.tick()
  const open = await readAlerts(watch.pool, stream.name, { open: true, limit: 10 })
  expect(open.map(({ scope }) => scope)).toEqual(['partition 1'])
})

test('what comes again is a new alert', async () => {
  const watch = await aWatch()
  for (const from of [10, 20]) {
    await watch.happens(loss(0, from, from + 1))
    await watch.tick()
    await watch.happens(acknowledged)
    await watch.tick()
  }
  const alerts = await all(watch.pool)
  expect(alerts).toHaveLength(2)
  expect(new Set(alerts.map(({ id }) => id)).size).toBe(2)
})

test('a channel that answers 500 is tried again later, and then sends once', async () => {
  const receiver = await anHttpReceiver()
  const watch = await aWatch({ ALERT_WEBHOOK_URL: `${receiver.url}/s3cret` })
  receiver.answer(500)
  await watch.happens(loss(0, 1, 2))
  await watch.tick()
  await watch.tick()
  expect(receiver.received).toHaveLength(1)
  const [waiting] = (await all(watch.pool))[0]!.notifications
  expect(waiting).toMatchObject({ state: 'waiting', attempts: 1, lastError: 'answered 500', sentAt: null })
  const wait = waiting!.nextAttemptAt.getTime() - Date.now()
  expect(wait).toBeGreaterThan(20_000)
  expect(wait).toBeLessThan(31_000)

  await watch.makeDue()
  await watch.tick()
  const again = (await all(watch.pool))[0]!.notifications[0]!.nextAttemptAt.getTime() - Date.now()
  expect(again).toBeGreaterThan(50_000)
  expect(again).toBeLessThan(61_000)

  receiver.answer(200)
  await watch.makeDue()
  await watch.tick()
  await watch.makeDue()
  await watch.tick()
  expect(receiver.received).toHaveLength(3)
  expect((await all(watch.pool))[0]!.notifications).toMatchObject([
    { event: 'started', channel: 'webhook', state: 'sent', attempts: 3, lastError: null },
  ])
  expect(JSON.stringify(watch.logs)).not.toContain('s3cret')
})

test('waiting never grows beyond an hour', async () => {
  const receiver = await anHttpReceiver()
  const watch = await aWatch({ ALERT_WEBHOOK_URL: receiver.url })
  receiver.answer(500)
  await watch.happens(loss(0, 1, 2))
  await watch.tick()
  await watch.happens('update audit.alert_notifications set attempts = 1000')
  await watch.makeDue()
  await watch.tick()
  const [waiting] = (await all(watch.pool))[0]!.notifications
  expect(waiting!.nextAttemptAt.getTime() - Date.now()).toBeLessThan(3_601_000)
  expect(waiting!.nextAttemptAt.getTime() - Date.now()).toBeGreaterThan(3_500_000)
})

test('after a day it is given up, with a line in the log', async () => {
  const receiver = await anHttpReceiver()
  const watch = await aWatch({ ALERT_WEBHOOK_URL: receiver.url })
  receiver.answer(500)
  await watch.happens(loss(0, 1, 2))
  await watch.tick()
  await watch.happens(`update audit.alert_notifications set created_at = now() - interval '25 hours'`)
  const delivery: DeliveryOptions = { pool: watch.pool, logger: watch.logger, linkOf: () => '' }
  await Promise.all([giveUpOld(delivery), giveUpOld(delivery)])
  await watch.makeDue()
  await watch.tick()
  expect(receiver.received).toHaveLength(1)
  expect((await all(watch.pool))[0]!.notifications).toMatchObject([
    { state: 'given up', lastError: 'answered 500' },
  ])
  expect(watch.logs.filter(({ msg }) => msg.startsWith('alert given up'))).toMatchObject([
    { channel: 'webhook', event: 'started', error: 'answered 500' },
  ])
})

test('an alert that ends before its start could be told is told once, with both times', async () => {
  const receiver = await anHttpReceiver()
  const watch = await aWatch({ ALERT_WEBHOOK_URL: receiver.url })
  receiver.answer(503)
  await watch.happens(loss(0, 1, 2))
  await watch.tick()
  await watch.happens(acknowledged)
  receiver.answer(200)
  await watch.tick()
  await watch.makeDue()
  await watch.tick()
  expect(receiver.received.map(({ body }) => body)).toMatchObject([
    { event: 'started' }, // the one that was refused
    { event: 'ended', started_at: expect.any(String) as string, ended_at: expect.any(String) as string },
  ])
  expect((await all(watch.pool))[0]!.notifications).toMatchObject([
    { event: 'started', state: 'given up', lastError: 'it ended first: only its end is sent' },
    { event: 'ended', state: 'sent' },
  ])
})

test('who dies after sending leaves it to be sent again', async () => {
  const receiver = await anHttpReceiver()
  const watch = await aWatch({ ALERT_WEBHOOK_URL: receiver.url })
  await watch.happens(loss(0, 1, 2))
  await watch.tick()
  await watch.happens('update audit.alert_notifications set sent_at = null') // as if that had not been written
  await watch.tick()
  expect(receiver.received).toHaveLength(1) // the claim still runs
  await watch.makeDue()
  await watch.tick()
  expect(receiver.received.map(({ body }) => body)).toEqual([
    receiver.received[0]!.body,
    receiver.received[0]!.body,
  ])
})

test('a stop during sending counts as nothing sent, and does not wait for the other side', async () => {
  const receiver = await anHttpReceiver()
  receiver.answer('hang')
  const watch = await aWatch({ ALERT_WEBHOOK_URL: receiver.url })
  await watch.happens(loss(0, 1, 2))
  const stopping = new AbortController()
  const [channel] = configuredChannels(readConfig(['alerts'], { ALERT_WEBHOOK_URL: receiver.url }))
  await look({ pool: watch.pool, logger: watch.logger, rules: RULES, channels: ['webhook'] }, CONTEXT, never)
  const delivering = deliverWaiting(
    { pool: watch.pool, logger: watch.logger, linkOf: () => 'http://127.0.0.1' },
    channel!,
    stopping.signal,
  )
  await waitFor('the request', () => receiver.received.length === 1)
  stopping.abort()
  await delivering
  expect((await all(watch.pool))[0]!.notifications).toMatchObject([
    { state: 'waiting', attempts: 1, lastError: null },
  ])
})

test('while one worker judges a rule the others leave it alone, so that none acts on what has changed', async () => {
  const watch = await aWatch()
  const begun = Promise.withResolvers<void>()
  const release = Promise.withResolvers<void>()
  let judged = 0
  const slowRule: AlertRule = {
    id: 'slow',
    severity: 'warning',
    path: '/',
    find: async () => {
      judged += 1
      begun.resolve()
      if (judged === 1) await release.promise
      // The same thing twice is still one alert.
      const finding = { scope: '', since: new Date(), summary: 's', firstAction: 'f' }
      return [finding, finding]
    },
  }
  const lookout = { pool: watch.pool, logger: watch.logger, rules: [slowRule], channels: [] }
  const first = look(lookout, CONTEXT, never)
  await begun.promise
  await look(lookout, CONTEXT, never)
  expect(judged).toBe(1)
  release.resolve()
  await first
  expect(await all(watch.pool)).toHaveLength(1)
})

/** The rule with a query that Postgres refuses. */
function broken(rule: AlertRule): AlertRule {
  return {
    ...rule,
    find: async (client) => {
      await client.query('select 1 / 0')
      return []
    },
  }
}

test('a rule that fails keeps no other from being looked at, and ends no alert', async () => {
  const watch = await aWatch()
  await watch.happens(loss(0, 1, 2))
  await watch.tick()
  await watch.happens(acknowledged, stopped(0, 'log_differs'))
  const rules = RULES.toSorted((a) => (a.id === 'data_loss' ? -1 : 1)).map((rule) =>
    rule.id === 'data_loss' ? broken(rule) : rule,
  )
  await expect(
    look({ pool: watch.pool, logger: watch.logger, rules, channels: [] }, CONTEXT, never),
  ).rejects.toThrow('alert rule data_loss could not be looked at')
  const open = await readAlerts(watch.pool, stream.name, { open: true, limit: 10 })
  expect(open.map(({ rule }) => rule).sort()).toEqual(['data_loss', 'partition_stopped'])
})

test('alerts of a rule that was removed end at the next start', async () => {
  const watch = await aWatch()
  await watch.happens(loss(0, 1, 2), stopped(0, 'log_differs'))
  await watch.tick()
  const rules = RULES.filter(({ id }) => id !== 'data_loss')
  await endAlertsOfRemoved({ pool: watch.pool, logger: watch.logger, rules, channels: [] })
  const open = await readAlerts(watch.pool, stream.name, { open: true, limit: 10 })
  expect(open.map(({ rule }) => rule)).toEqual(['partition_stopped'])
})

test('without channels alerts are written down and nothing is sent', async () => {
  const watch = await aWatch()
  await watch.happens(stopped(2, 'mass_rejection', 'too many <b>'), loss(0, 1, 2))
  await watch.tick()
  await watch.happens(acknowledged)
  await watch.tick()
  const alerts = await all(watch.pool)
  expect(alerts).toMatchObject([
    {
      rule: 'partition_stopped',
      scope: 'partition 2',
      severity: 'critical',
      summary: 'Partition 2 of t stopped (mass_rejection): too many <b>',
      endedAt: null,
      notifications: [],
    },
    { rule: 'data_loss', endedAt: expect.any(Date) as Date, notifications: [] },
  ])
  expect(await readAlerts(watch.pool, stream.name, { open: false, limit: 1 })).toEqual([alerts[0]])
  expect(await readAlerts(watch.pool, stream.name, { open: true, limit: 10 })).toEqual([alerts[0]])
})

test('watching: two workers, one channel that hangs, one that works, a mail server that refuses', async () => {
  const [hanging, slack, mail] = [await anHttpReceiver(), await anHttpReceiver(), await aMailServer()]
  hanging.answer('hang')
  const env = {
    ALERT_WEBHOOK_URL: `${hanging.url}/s3cret`,
    ALERT_SLACK_WEBHOOK_URL: `${slack.url}/s3cret`,
    ALERT_SMTP_URL: `smtp://${MAIL_USER}:wr0ng@127.0.0.1:${mail.port}`,
    ALERT_EMAIL_FROM: 'pulse@example.com',
    ALERT_EMAIL_TO: 'night@example.com',
    CONSOLE_URL: 'https://pulse.example.com',
  }
  const watch = await aWatch(env)
  await watch.happens(stopped(0, 'log_differs'))
  const config = readConfig(['alerts', 'console'], env)
  const options = { pool: watch.pool, config, logger: watch.logger, ...ONE_STREAM }
  const watchers = [startAlerts(options), startAlerts(options)]
  onTestFinished(() => void Promise.all(watchers.map((watcher) => watcher.stop())))

  await waitFor('Slack to be told', () => slack.received.length > 0)
  await waitFor('the hanging one to be asked', () => hanging.received.length > 0)
  await waitFor('the mail server to refuse', async () =>
    (await all(watch.pool))[0]?.notifications.some(({ lastError }) => lastError?.includes('login')),
  )
  expect((slack.received[0]!.body as { text: string }).text).toContain('<https://pulse.example.com/actions|')

  await watch.happens('update audit.partition_progress set stop_code = null')
  await waitFor('Slack to be told of the end', () => slack.received.length > 1, { limitMs: 20_000 })
  const began = performance.now()
  await Promise.all(watchers.map((watcher) => watcher.stop()))
  expect(performance.now() - began).toBeLessThan(5_000)
  expect(slack.received).toHaveLength(2)
  const alerts = await all(watch.pool)
  expect(alerts).toHaveLength(1)
  expect(JSON.stringify([watch.logs, alerts])).not.toMatch(/s3cret|wr0ng/)
})

test('each channel keeps its own account of an alert', async () => {
  const [webhook, mail] = [await anHttpReceiver(), await aMailServer()]
  webhook.answer(500)
  const watch = await aWatch({
    ALERT_WEBHOOK_URL: webhook.url,
    ALERT_SMTP_URL: `smtp://${MAIL_USER}:${MAIL_PASSWORD}@127.0.0.1:${mail.port}`,
    ALERT_EMAIL_FROM: 'pulse@example.com',
    ALERT_EMAIL_TO: 'night@example.com',
  })
  await watch.happens(loss(0, 1, 2))
  await watch.tick()
  expect(mail.mails).toHaveLength(1)
  expect((await all(watch.pool))[0]!.notifications).toMatchObject([
    { channel: 'email', state: 'sent' },
    { channel: 'webhook', state: 'waiting' },
  ])
  await watch.happens(acknowledged)
  await watch.tick()
  expect(mail.mails.map(({ headers }) => headers.get('subject'))).toEqual([
    expect.stringContaining('Critical: Kafka dropped an offset of partition 0'),
    expect.stringContaining('Ended: Kafka dropped an offset of partition 0'),
  ])
})

test('a warehouse that is gone is logged once, and the watch goes on', async () => {
  const watch = await aWatch()
  const config = readConfig(['database', 'alerts', 'console'], {
    DATABASE_URL: 'postgres://nobody@127.0.0.1:1/nothing',
  })
  const pool = createPool(config, 'pulse_loader', watch.logger)
  const watcher = startAlerts({ pool, config, logger: watch.logger, ...ONE_STREAM })
  await waitFor('the log line', () =>
    watch.logs.some(({ msg }) => msg === 'looking for alerts failed; it is tried again'),
  )
  await watcher.stop()
  await pool.end()
  expect(watch.logs).toHaveLength(1)
})
