#!/usr/bin/env bash
# make prod-up: only with every secret, and with TLS where SITE_ADDRESS names the site.
set -euo pipefail
cd "$(dirname "$0")/../.."
export ENV=prod
scripts/compose/secrets.sh check
site=${SITE_ADDRESS:-$(sed -n 's/^SITE_ADDRESS=//p' .env 2>/dev/null | tail -n 1)}
if [ -n "$site" ]; then export COMPOSE_PROFILES="${COMPOSE_PROFILES:+$COMPOSE_PROFILES,}tls"; fi
scripts/compose/up.sh
echo
if [ -n "$site" ]; then
  echo "Up. Grafana: https://$site (user admin, password: the file grafana_admin_password)."
else
  echo 'Up. No port is published: set SITE_ADDRESS to let the reverse proxy serve Grafana with TLS.'
fi
cat <<'END'

  ENV=prod scripts/compose/compose.sh exec etl npm run pulse -- status
  make prod-logs SERVICE=etl
  make backup ENV=prod
END
