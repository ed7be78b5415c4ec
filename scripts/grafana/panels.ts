import { DATASOURCE, unindented, type Json, type JsonValue } from './warehouse.ts'

/** A panel without its place; `size` is width (of 24) and height. */
export type Panel = Json & { readonly id: number; readonly size: readonly [number, number] }

interface Basics {
  /** Unique on the dashboard and never given again: alerts link to it. */
  readonly id: number
  readonly title: string
  /** The question it answers, and what to do about a bad answer. */
  readonly description: string
  readonly size: readonly [number, number]
  readonly sql: string
  /** Grafana's id of a unit. */
  readonly unit: string
  readonly decimals?: number
  /** What is shown where there is nothing; for a count, what nothing means. */
  readonly noValue: string
}

/** How numbers are shown: Grafana's id of the unit, and decimals. */
export const COUNT = { unit: 'locale', decimals: 0 } as const
/** Without a sign: the currency is named beside it. */
export const MONEY = { unit: 'locale', decimals: 2 } as const
export const SHARE = { unit: 'percentunit', decimals: 2 } as const
export const SECONDS = { unit: 's', decimals: 1 } as const
export const WHOLE_SECONDS = { unit: 's', decimals: 0 } as const
export const MILLISECONDS = { unit: 'ms', decimals: 0 } as const
export const BYTES = { unit: 'bytes', decimals: 0 } as const
export const PER_SECOND = { unit: 'cps', decimals: 1 } as const
/** The column of a table that is as wide as a moment. */
export const TIME = { width: 190 } as const

/** From which value on which colour; the first colour is below all of them. */
export type Steps = readonly [color: string, ...(readonly [from: number, color: string][])]

/** Good, to be watched, bad. */
export const above = (limits: { watch: number; alarm: number }): Steps => [
  'green',
  [limits.watch, 'yellow'],
  [limits.alarm, 'red'],
]
/** Neither good nor bad. */
export const NEUTRAL: Steps = ['text']
/** A count of what should not be: none is good, one is bad. */
export const NONE_WANTED: Pick<Basics, 'unit' | 'decimals' | 'noValue'> & { readonly steps: Steps } = {
  ...COUNT,
  noValue: '0',
  steps: ['green', [1, 'red']],
}

function thresholds([first, ...steps]: Steps): Json {
  return {
    mode: 'absolute',
    steps: [{ color: first, value: null }, ...steps.map(([value, color]) => ({ color, value }))],
  }
}

function base(type: string, panel: Basics, format: 'table' | 'time_series', steps: Steps, more: Json = {}) {
  const { id, title, description, size, unit, decimals, noValue } = panel
  return {
    id,
    type,
    title,
    description,
    size,
    datasource: DATASOURCE,
    targets: [
      {
        refId: 'A',
        datasource: DATASOURCE,
        format,
        editorMode: 'code',
        rawQuery: true,
        rawSql: unindented(panel.sql),
      },
    ],
    fieldConfig: {
      defaults: {
        unit,
        ...(decimals === undefined ? {} : { decimals }),
        noValue,
        color: { mode: 'thresholds' },
        thresholds: thresholds(steps),
        ...more,
      },
      overrides: [] as JsonValue[],
    },
  }
}

/** One number, four in a line: the query gives one row with one column. */
export function stat(panel: Omit<Basics, 'size'> & { readonly steps: Steps }): Panel {
  return {
    ...base('stat', { ...panel, size: [6, 4] }, 'table', panel.steps),
    options: {
      reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
      colorMode: 'value',
      graphMode: 'none',
      textMode: 'auto',
      justifyMode: 'auto',
      orientation: 'auto',
    },
  }
}

/** Lines over time: `time`, and one line for each number column or for each value of a column `metric`. */
export function timeSeries(
  panel: Omit<Basics, 'size'> & {
    /** Half a line, if not given. */
    readonly size?: Basics['size']
    /** Drawn as dashed lines. */
    readonly steps?: Steps
    /** Colours of single lines, by name. */
    readonly colors?: Readonly<Record<string, string>>
    readonly style?: 'line' | 'bars'
  },
): Panel {
  const { steps, style = 'line', colors = {} } = panel
  const made = base('timeseries', { size: [12, 8], ...panel }, 'time_series', steps ?? NEUTRAL, {
    color: { mode: 'palette-classic' },
    min: 0,
    custom: {
      drawStyle: style,
      lineWidth: style === 'bars' ? 0 : 1,
      fillOpacity: style === 'bars' ? 80 : 10,
      showPoints: 'auto',
      spanNulls: false,
      thresholdsStyle: { mode: steps === undefined ? 'off' : 'dashed' },
    },
  })
  const overrides = Object.entries(colors).map(([name, color]) =>
    override(name, { color: { mode: 'fixed', fixedColor: color } }),
  )
  return {
    ...made,
    // No point is finer than the rollup's minute.
    interval: '1m',
    fieldConfig: { ...made.fieldConfig, overrides },
    options: {
      legend: { displayMode: 'list', placement: 'bottom', showLegend: true, calcs: [] },
      tooltip: { mode: 'multi', sort: 'desc' },
    },
  }
}

/** A slice for each row: a text column and a number column. */
export function pie(panel: Basics & { readonly repeat: string }): Panel {
  return {
    ...base('piechart', panel, 'table', NEUTRAL, { color: { mode: 'palette-classic-by-name' } }),
    repeat: panel.repeat,
    repeatDirection: 'h',
    maxPerRow: 3,
    options: {
      pieType: 'donut',
      displayLabels: [],
      reduceOptions: { calcs: ['lastNotNull'], fields: '', values: true },
      legend: {
        displayMode: 'table',
        placement: 'right',
        showLegend: true,
        calcs: [],
        values: ['value', 'percent'],
      },
      tooltip: { mode: 'single', sort: 'none' },
    },
  }
}

export interface Column {
  readonly unit?: string
  readonly decimals?: number
  readonly width?: number
  readonly steps?: Steps
  /** Colours of single texts. */
  readonly colors?: Readonly<Record<string, string>>
}

/** Rows; `columns` dresses some of them, by name. */
export function table(
  panel: Omit<Basics, 'unit' | 'noValue'> & {
    /** Of columns that are not dressed; none, if not given. */
    readonly unit?: string
    readonly columns: Readonly<Record<string, Column>>
  },
): Panel {
  const made = base('table', { unit: 'none', ...panel, noValue: '–' }, 'table', NEUTRAL, {
    custom: { align: 'auto', filterable: false, cellOptions: { type: 'auto' } },
  })
  const overrides = Object.entries(panel.columns).map(([name, column]) => override(name, dress(column)))
  return {
    ...made,
    fieldConfig: { ...made.fieldConfig, overrides },
    options: { cellHeight: 'sm', showHeader: true },
  }
}

function dress({ unit, decimals, width, steps, colors }: Column): Json {
  return {
    ...(unit === undefined ? {} : { unit }),
    ...(decimals === undefined ? {} : { decimals }),
    ...(width === undefined ? {} : { 'custom.width': width }),
    ...(steps === undefined ? {} : { thresholds: thresholds(steps) }),
    ...(colors === undefined ? {} : { mappings: [textColors(colors)] }),
    ...(steps === undefined && colors === undefined ? {} : { 'custom.cellOptions': { type: 'color-text' } }),
  }
}

function textColors(colors: Readonly<Record<string, string>>): Json {
  const options = Object.entries(colors).map(([value, color], index) => [
    value,
    { text: value, color, index },
  ])
  return { type: 'value', options: Object.fromEntries(options) as Json }
}

function override(name: string, properties: Json): Json {
  return {
    matcher: { id: 'byName', options: name },
    properties: Object.entries(properties).map(([id, value]) => ({ id, value })),
  }
}

/** What the dashboard is for, in Markdown. */
export function about(description: string, content: string): Panel {
  return {
    id: 1,
    title: 'About this dashboard',
    description,
    size: [24, 2],
    type: 'text',
    options: { mode: 'markdown', content },
  }
}

/** A heading over the lines that follow. */
export function heading(id: number, title: string): Panel {
  return { id, type: 'row', title, collapsed: false, size: [24, 1], panels: [] }
}
