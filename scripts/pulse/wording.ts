export { count, duration, offsets, thousands } from '../../etl/reports/wording.ts'
