/** Panels that alerts open, by the number in their address. */
export const PANELS = {
  lastSuccess: 2,
  deadLetterShare: 6,
  stopped: 8,
  losses: 9,
  freshness: 11,
} as const
