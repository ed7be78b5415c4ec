#!/usr/bin/env bash
# make db-reset: an empty warehouse, that the job rebuilds from what Kafka still holds.
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/compose/answer.sh
compose() { scripts/compose/compose.sh "$@"; }

# Of every topic but those of dead letters.
offsets() { compose exec -T kafka /opt/kafka/bin/kafka-get-offsets.sh --bootstrap-server kafka:9092 --exclude-internal-topics --time "$1" 2>/dev/null | awk -F: '$1 !~ /[.]dlq$/ { sum += $3 } END { print sum + 0 }'; }
in_warehouse() { compose exec -T --user postgres postgres psql --username=postgres --dbname=pulse --no-psqlrc --tuples-only --no-align --command="$1" 2>/dev/null || echo unknown; }

first=$(offsets earliest) last=$(offsets latest)
loaded=$(in_warehouse 'select coalesce(sum(loaded), 0) from audit.pipeline_batches')
letters=$(in_warehouse 'select count(*) from audit.dead_letters')
cat <<END
This empties the warehouse of ENV=${ENV:-dev}: $loaded loaded records, $letters dead letters, every run and batch.

Kafka still holds $((last - first)) records (of most topics 7 days) and the job loads those again.
$(if [ "$first" -gt 0 ]; then
  echo "The $first records before them are gone from Kafka: what the warehouse has of them is lost for good."
  echo "make backup keeps a copy."
else
  echo "That is everything it ever got."
fi)
Gone for good in any case: which dead letters were dealt with, and the history of runs.

END
confirm reset
compose stop etl
scripts/compose/recreate-database.sh
compose run --rm db-init >/dev/null
compose up --detach --no-deps --wait etl
echo 'The warehouse is empty and the job is loading: docker compose exec etl npm run pulse -- status'
