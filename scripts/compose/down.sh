#!/usr/bin/env bash
# Stops and removes an environment's containers and networks. VOLUMES=1: its data too.
set -euo pipefail
cd "$(dirname "$0")/../.."
# The files ask for passwords even to be stopped by; what they are does not matter then.
for name in POSTGRES_PASSWORD PULSE_ETL_PASSWORD PULSE_GRAFANA_PASSWORD GRAFANA_ADMIN_PASSWORD CONSOLE_PASSWORD; do
  [ -n "${!name:-}" ] || grep -q "^$name=." .env 2>/dev/null || export "$name=unknown"
done
volumes=()
if [ "${VOLUMES:-}" = 1 ]; then volumes=(--volumes); fi
scripts/compose/compose.sh --profile '*' down --remove-orphans ${volumes[@]+"${volumes[@]}"}
