#!/usr/bin/env bash
# make rotate-passwords: what .env (dev) or the secret files (prod) say now becomes true. Postgres takes the
# superuser's from its container, db-init sets the logins', ETL and Grafana start with theirs.
set -euo pipefail
cd "$(dirname "$0")/../.."
compose() { scripts/compose/compose.sh "$@"; }
if [ "${ENV:-dev}" = prod ]; then scripts/compose/secrets.sh check; else scripts/compose/env-fill.sh; fi
services=$(compose ps --all --services | grep -E '^(etl|grafana)$' || true)
# A changed .env makes another container; a changed secret file is there at once.
compose up --detach --wait --no-deps postgres
scripts/compose/superuser-password.sh
compose run --rm db-init >/dev/null
# shellcheck disable=SC2086
[ -z "$services" ] || compose up --detach --wait --no-deps --force-recreate $services
cat <<'END'
Rotated: the superuser, the ETL's login, Grafana's login, the console's password.
Grafana's own user admin keeps its password until: docker compose exec grafana grafana cli admin reset-admin-password <new>
END
