import type { RunStatus } from '../status/runs.ts'
import type { Html } from './html.ts'
import { badge, type Icon, type Tone } from './icons.ts'

const LOOKS: Readonly<Record<RunStatus, readonly [Tone, Icon]>> = {
  running: ['busy', 'play'],
  succeeded: ['good', 'check'],
  failed: ['bad', 'cross'],
  abandoned: ['warn', 'dash'],
}

export function runBadge(status: RunStatus): Html {
  return badge(...LOOKS[status], status)
}
