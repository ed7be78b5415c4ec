import { DEFAULTS } from './options.ts'
import { SCENARIO_NAMES, SCENARIOS } from './scenarios.ts'

const scenarios = SCENARIO_NAMES.map((name) => `    ${name.padEnd(8)} ${SCENARIOS[name].about}`).join('\n')
const { against } = DEFAULTS

export const HELP = `Usage: npm run bench -- [options]
       make bench ARGS="[options]"

Drains topics with the ETL, holds the warehouse against what was sent, and copies the same rows with COPY on the
same Postgres in one run. Says facts per second, their ratio to COPY, CPU as a multiple of COPY's, and memory.

Examples:
  npm run bench                                     the whole matrix: some minutes
  npm run bench -- --scenario mix --statements      which statement takes how long
  npm run bench -- --partitions 3 --batch-size 1000,5000 --records 500000
  npm run bench -- --against main                   is this version slower than that one?
  npm run bench -- --against HEAD~1 --scenario v4 --pairs 15

Options:
  --records N          records of each topic, 1000 to 100000000 (${DEFAULTS.records})
  --scenario LIST      of these, with commas (all):
${scenarios}
  --partitions LIST    partitions of the topic, 1 to 100 (${DEFAULTS.partitions.join()})
  --batch-size LIST    BATCH_SIZE, 1 to 100000 (${DEFAULTS.batchSizes.join()})
  --statements         drains each topic once more, one partition after the other, and says how long the worker waits
                       for each SQL statement
  --against COMMIT     drains one topic by this checkout, as it is, and by that commit in turn, each into a
                       database migrated by its own version, and compares them pair by pair. One scenario,
                       number of partitions and batch size (${against.scenario}, ${against.partitions}, ${against.batchSize})
  --pairs N            of --against, 9 to 99 (${DEFAULTS.pairs})
  -h, --help           this text

Takes its servers as the tests do (PULSE_SERVERS, or KAFKA_BROKERS and DATABASE_URL); makes databases and topics of
its own there and removes them. Postgres' CPU is seen of local servers only.
Exit codes: 0 measured, and with --against no slower; 1 failed, or the warehouse is not as sent; 2 usage;
6 slower than COMMIT: the whole interval of the ratio of speeds is below 0.97, so by more than 3 %.`
