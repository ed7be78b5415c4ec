#!/usr/bin/env bash
# make prod-up: only with every secret, and with TLS where SITE_ADDRESS or CONSOLE_ADDRESS names a site.
set -euo pipefail
cd "$(dirname "$0")/../.."
export ENV=prod
scripts/compose/secrets.sh check
# As Compose reads it: what is set in the shell wins over .env.
setting() { # NAME
  local value=${!1:-}
  [ -n "$value" ] || value=$(sed -n "s/^$1=//p" .env 2>/dev/null | tail -n 1 | tr -d "\"'\r")
  echo "$value"
}
site=$(setting SITE_ADDRESS)
console=$(setting CONSOLE_ADDRESS)
if [ -n "$site" ] && [ "$site" = "$console" ]; then
  echo 'CONSOLE_ADDRESS is the same as SITE_ADDRESS: Grafana and the console need a name each.' >&2
  exit 1
fi
if [ -n "$site$console" ]; then export COMPOSE_PROFILES="${COMPOSE_PROFILES:+$COMPOSE_PROFILES,}tls"; fi
scripts/compose/up.sh
echo
echo Up.
if [ -n "$site" ]; then
  echo "  Grafana    https://$site   user admin, password: the file grafana_admin_password"
else
  echo '  Grafana is served to nobody: SITE_ADDRESS in .env names its site for the reverse proxy.'
fi
if [ -n "$console" ]; then
  echo "  Console    https://$console   your name, password: the file console_password"
else
  echo '  The console is served to nobody: CONSOLE_ADDRESS in .env names its site for the reverse proxy.'
fi
cat <<'END'

  ENV=prod scripts/compose/compose.sh exec etl npm run pulse -- status
  make prod-logs SERVICE=etl
  make backup ENV=prod
END
