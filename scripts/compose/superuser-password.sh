#!/usr/bin/env bash
# Gives the superuser of a running Postgres the password that its container has: over the local socket,
# which asks for none. So a volume that is older than .env opens again.
set -euo pipefail
"$(dirname "$0")/compose.sh" exec -T --user postgres postgres sh -c '
  password=${POSTGRES_PASSWORD:-$(cat "${POSTGRES_PASSWORD_FILE:-/dev/null}")}
  export password
  psql --username=postgres --dbname=postgres --no-psqlrc --quiet --set=ON_ERROR_STOP=1 <<"SQL"
\getenv password password
alter role postgres password :'"'password'"';
SQL'
