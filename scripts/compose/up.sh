#!/usr/bin/env bash
# Builds, starts and waits: first the servers, then all. What failed is named, with the log to read.
# Grafana's image is the only one that is not needed for the rest: without it the rest is started.
set -euo pipefail
here=$(dirname "$0")
compose() { "$here/compose.sh" "$@"; }

failed() {
  echo
  compose ps --all --format '{{.Service}} {{.State}} {{.Health}} {{.ExitCode}}' | awk '
    $2 == "exited" && $NF != 0 { print "  " $1 " failed:       docker compose logs " $1; found = 1 }
    $3 == "unhealthy"          { print "  " $1 " is unhealthy: docker compose logs " $1; found = 1 }
    END { if (!found) print "  Nothing has failed so far; it may only be slow: docker compose ps" }' >&2
  echo "Not everything is up (ENV=${ENV:-dev}). See above, and make doctor." >&2
  exit 1
}

echo 'Building the image …'
compose build --quiet etl
services=$(compose config --services | sort)
grafana=$(compose config --images | grep '^grafana/' | head -n 1)
if ! docker image inspect "$grafana" >/dev/null 2>&1 && ! compose pull --quiet grafana >/dev/null 2>&1; then
  echo "$grafana can neither be found nor pulled: everything else is started, without Grafana." >&2
  services=$(echo "$services" | grep -v '^grafana$')
fi

servers=$(echo "$services" | grep -E '^(kafka|postgres)' || true)
if [ -n "$servers" ]; then
  echo 'Starting' $servers '…'
  # shellcheck disable=SC2086
  compose up --detach --wait --wait-timeout 180 $servers || failed
fi
if echo "$servers" | grep -q '^postgres'; then "$here/superuser-password.sh"; fi
echo 'Starting the rest …'
# shellcheck disable=SC2086
compose up --detach --wait --wait-timeout 180 --remove-orphans $services || failed
