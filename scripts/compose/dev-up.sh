#!/usr/bin/env bash
# make dev-up: from a fresh clone to a running platform.
set -euo pipefail
cd "$(dirname "$0")/../.."
export ENV=dev
scripts/compose/env-fill.sh
scripts/compose/up.sh

# As Compose reads it: what is set in the shell wins over .env.
setting() { # NAME default
  local value=${!1:-}
  [ -n "$value" ] || value=$(sed -n "s/^$1=//p" .env | tail -n 1 | tr -d "\"'\r")
  echo "${value:-$2}"
}
at=$(setting BIND_ADDRESS 127.0.0.1)
cat <<END

Up. Transactions flow; every 30 seconds they are loaded.

  Grafana    http://$at:$(setting GRAFANA_PORT 3000)   user admin, password: grep GRAFANA_ADMIN_PASSWORD .env
  Console    http://$at:$(setting ETL_PORT 8080)   your name, password: grep ^CONSOLE_PASSWORD .env
  Postgres   $at:$(setting POSTGRES_PORT 5433), database pulse, user postgres, password: grep POSTGRES_PASSWORD .env
  Kafka      $at:$(setting KAFKA_PORT 9092)

  docker compose exec etl npm run pulse -- status     what it is doing
  docker compose exec etl npm run pulse -- reconcile  the proof that nothing was lost
  make dev-logs                                       the logs; a file saved under etl/ or producer/ reloads
  make dev-down                                       the end; the data stay
END
if ! docker ps --format '{{.Names}}' | grep -q 'global-sales-pulse.*grafana'; then
  echo "  (Grafana is not running: its image could not be had.)"
fi
