#!/usr/bin/env bash
# make restore BACKUP=backups/<time>: the warehouse as it was then. The job then loads again what came
# since, from the watermark that was restored, as far back as Kafka still holds it.
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/compose/answer.sh
compose() { scripts/compose/compose.sh "$@"; }
from=${1:-}
if [ ! -f "$from/warehouse.dump" ]; then
  echo "No $from/warehouse.dump. Which one: make restore BACKUP=…" >&2
  ls -d backups/*/ 2>/dev/null >&2 || echo '  (there is none under backups/)' >&2
  exit 2
fi
if [ -z "$(compose ps --quiet --status running postgres)" ]; then
  echo "Postgres is not running (ENV=${ENV:-dev}): make ${ENV:-dev}-up first, with the passwords of the backup ($from/env)." >&2
  exit 1
fi
echo "This replaces the warehouse of ENV=${ENV:-dev} by that of $from:"
sed -n 's/^/  /p;1q' "$from/README"
confirm restore
compose exec -T --user postgres postgres pg_restore --list <"$from/warehouse.dump" >/dev/null
compose stop etl
scripts/compose/recreate-database.sh
echo 'Loading the dump …'
compose exec -T --user postgres postgres pg_restore --username=postgres --dbname=pulse --exit-on-error --single-transaction <"$from/warehouse.dump"
# Migrates an older dump, and gives the database its settings and logins.
compose run --rm db-init >/dev/null
compose up --detach --no-deps --wait etl
cat <<'END'
Restored. The job now loads what came since. When it has caught up (status: no lag):
  docker compose exec etl npm run pulse -- reconcile
With a new Postgres and the Kafka of before, first: npm run pulse -- partitions take-over
Grafana's state, if it is wanted too: docs/OPERATIONS.md, "Back up and restore".
END
