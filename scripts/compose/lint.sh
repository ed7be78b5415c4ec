#!/usr/bin/env bash
# Every combination of Compose files is valid and dclint has no complaint. Needs no password and no server.
set -euo pipefail
cd "$(dirname "$0")/../.."
for name in POSTGRES_PASSWORD PULSE_ETL_PASSWORD PULSE_GRAFANA_PASSWORD GRAFANA_ADMIN_PASSWORD CONSOLE_PASSWORD; do
  export "$name=${!name:-lint}"
done
docker compose -f docker-compose.yaml config --quiet
for ENV in dev prod test; do
  export ENV
  EXTERNAL='' scripts/compose/compose.sh --profile '*' config --quiet
done
export KAFKA_BROKERS=${KAFKA_BROKERS:-lint} POSTGRES_ADDRESS=${POSTGRES_ADDRESS:-lint}
for EXTERNAL in kafka postgres 'kafka postgres'; do
  ENV=prod EXTERNAL=$EXTERNAL scripts/compose/compose.sh config --quiet
done
node_modules/.bin/dclint docker-compose*.yaml
echo 'Compose files: valid in every combination.'
