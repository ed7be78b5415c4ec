import { describe, expect, test } from 'vitest'
import { NO_TOPIC } from '../../etl/operations/presence.ts'
import { conditionsOf, type Observations } from '../../etl/status/operating-state.ts'
import { outlook } from '../../etl/partitions/lag.ts'
import type { Run } from '../../etl/status/runs.ts'

const SINCE = new Date('2026-01-01T00:00:00Z')
const LATER = new Date('2026-01-01T00:05:00Z')

const aRun = (overrides: Partial<Run> = {}): Run => ({
  id: 1,
  kind: 'tick',
  stream: 'events',
  worker: 'w',
  status: 'succeeded',
  startedAt: SINCE,
  finishedAt: LATER,
  durationMs: 1_000,
  batches: 1,
  consumed: 1,
  loaded: 1,
  duplicate: 0,
  skipped: 0,
  deadLettered: 0,
  retries: 0,
  error: null,
  ...overrides,
})

const WELL: Observations = {
  control: { pausedAt: null, pausedBy: null, pauseReason: null },
  partitions: [{ partition: 0, stoppedAt: null }],
  unwritable: undefined,
  lateSince: null,
  workers: [{ name: 'w', problem: null }],
  drains: [aRun()],
}
const PAUSED = { pausedAt: SINCE, pausedBy: 'ada', pauseReason: 'the shop moves' }
const aRunning = aRun({ id: 2, status: 'running', finishedAt: null })
const aFailed = aRun({ id: 3, status: 'failed', error: 'it broke' })

const kinds = (seen: Partial<Observations>) => conditionsOf({ ...WELL, ...seen }).map(({ kind }) => kind)

describe('the state, from what is seen', () => {
  test.each<[string, Partial<Observations>, readonly string[]]>([
    ['nothing to tell', {}, ['idle']],
    ['no run yet', { drains: [] }, ['idle']],
    ['a run goes on', { drains: [aRunning, aRun()] }, ['running']],
    ['the other worker has finished meanwhile', { drains: [aRun({ id: 9 }), aRunning] }, ['running']],
    ['the last run failed', { drains: [aFailed, aRun()] }, ['failing']],
    ['it was abandoned', { drains: [aRun({ status: 'abandoned' })] }, ['failing']],
    ['it failed, and the next one goes on', { drains: [aRunning, aFailed] }, ['failing']],
    ['one failed, and the next one did not', { drains: [aRun(), aFailed] }, ['idle']],
    ['nobody there', { workers: [] }, ['no-worker']],
    ['nobody can say that it is there', { workers: [], unwritable: 'disk full' }, ['unwritable']],
    ['this worker can’t write, others can', { unwritable: 'disk full' }, ['unwritable']],
    ['a topic that is not there', { workers: [{ name: 'w', problem: NO_TOPIC }] }, ['no-topic']],
    [
      'a topic that one does not find and another can’t ask for',
      {
        workers: [
          { name: 'v', problem: NO_TOPIC },
          { name: 'w', problem: 'out' },
        ],
      },
      ['kafka-unreachable'],
    ],
    ['every worker out of the group', { workers: [{ name: 'w', problem: 'out' }] }, ['kafka-unreachable']],
    [
      'one of two out of the group',
      {
        workers: [
          { name: 'w', problem: 'out' },
          { name: 'v', problem: null },
        ],
      },
      ['idle'],
    ],
    ['late', { lateSince: SINCE }, ['late']],
    ['paused', { control: PAUSED }, ['paused']],
    ['a partition stopped', { partitions: [{ partition: 0, stoppedAt: SINCE }] }, ['stopped']],
  ])('%s', (_, seen, expected) => {
    expect(kinds(seen)).toEqual(expected)
  })

  test('all that holds is named, the most urgent first, and then neither running nor idle', () => {
    expect(
      kinds({
        control: PAUSED,
        partitions: [{ partition: 0, stoppedAt: SINCE }],
        lateSince: SINCE,
        workers: [],
        drains: [aRunning, aFailed],
      }),
    ).toEqual(['paused', 'stopped', 'late', 'no-worker', 'failing'])
  })

  test('partitions that stopped are told together, since the first of them', () => {
    const partitions = [
      { partition: 2, stoppedAt: LATER },
      { partition: 1, stoppedAt: null },
      { partition: 0, stoppedAt: SINCE },
    ]
    expect(conditionsOf({ ...WELL, partitions })).toEqual([
      { kind: 'stopped', since: SINCE, partitions: [2, 0] },
    ])
  })
})

describe('where the lag goes', () => {
  const BEHIND = { lag: 900, drainRate: 100, arrivalRate: 10, stopCode: null }

  test.each([
    ['worked off faster than it grows', BEHIND, { trend: 'shrinking', clearMs: 10_000 }],
    ['nothing arrives any more', { ...BEHIND, arrivalRate: 0 }, { trend: 'shrinking', clearMs: 9_000 }],
    ['as fast as it grows', { ...BEHIND, arrivalRate: 99 }, { trend: 'steady', clearMs: null }],
    ['too slowly', { ...BEHIND, arrivalRate: 200 }, { trend: 'growing', clearMs: null }],
    ['nothing was loaded lately', { ...BEHIND, drainRate: null }, { trend: 'unknown' }],
    ['nothing is known of what arrives', { ...BEHIND, arrivalRate: null }, { trend: 'unknown' }],
    ['nobody has looked at the log', { ...BEHIND, lag: null }, { trend: 'unknown' }],
    ['stopped', { ...BEHIND, stopCode: 'mass_rejection' as const }, { trend: 'halted' }],
    ['no lag', { ...BEHIND, lag: 0, stopCode: 'mass_rejection' as const }, { trend: 'none' }],
  ])('%s', (_, partition, expected) => {
    expect(outlook(partition, false)).toEqual(expected)
  })

  test('while paused it goes nowhere', () => {
    expect(outlook(BEHIND, true)).toEqual({ trend: 'halted' })
  })
})
