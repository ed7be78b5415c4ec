import { fraudPages } from './transactions/console/pages.ts'

/** What the streams bring to the console, in the order of its menu. */
export const pages = [fraudPages]
