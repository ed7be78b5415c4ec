#!/usr/bin/env bash
# make backup: the warehouse as of one moment, Grafana's state, and the passwords that open them, in
# backups/<time>/, readable for its owner only. The job goes on meanwhile.
set -euo pipefail
umask 077
cd "$(dirname "$0")/../.."
compose() { scripts/compose/compose.sh "$@"; }
env=${ENV:-dev}
to=${BACKUPS:-backups}/$env-$(date -u +%Y%m%dT%H%M%SZ)
mkdir -p "$to"
trap '[ $? -eq 0 ] || echo "The backup in $to is not complete." >&2' EXIT

echo "Warehouse → $to/warehouse.dump"
compose exec -T --user postgres postgres pg_dump --username=postgres --dbname=pulse --format=custom >"$to/warehouse.dump"
# A dump that was cut off has no readable end.
compose exec -T --user postgres postgres pg_restore --list <"$to/warehouse.dump" >"$to/warehouse.list"

project=$(compose config --format json | sed -n 's/^ *"name": "\(.*\)",*$/\1/p' | head -n 1)
volume=${project}_grafana-data
if docker volume inspect "$volume" >/dev/null 2>&1; then
  echo "Grafana → $to/grafana.tar.gz"
  # Held still, so that its SQLite file is of one moment.
  running=$(compose ps --quiet --status running grafana)
  if [ -n "$running" ]; then compose pause grafana >/dev/null 2>&1; fi
  docker run --rm --network none --volume "$volume:/state:ro" --entrypoint tar postgres:17 -C /state -czf - . >"$to/grafana.tar.gz" || { [ -z "$running" ] || compose unpause grafana; exit 1; }
  if [ -n "$running" ]; then compose unpause grafana >/dev/null 2>&1; fi
fi

if [ -f .env ]; then cp .env "$to/env"; fi
if [ "$env" = prod ]; then cp -R "${SECRETS_DIR:-./secrets}" "$to/secrets"; fi
cat >"$to/README" <<END
Global Sales Pulse, environment $env, $(date -u +%Y-%m-%dT%H:%M:%SZ), commit $(git rev-parse --short HEAD 2>/dev/null || echo unknown)
warehouse.dump   pg_dump, custom format: make restore ENV=$env BACKUP=$to
grafana.tar.gz   the volume grafana-data
env, secrets/    the passwords: keep this folder as carefully as them
END
du -sh "$to" | awk '{ print "Done: " $2 ", " $1 ". It holds passwords: keep it safe." }'
