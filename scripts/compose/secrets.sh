#!/usr/bin/env bash
# Production's secrets, a file each. `check` names every one that is missing, blank or badly written, and
# fails; `make` makes up those that are missing. None has a default.
#
# The folder is its owner's alone; the files in it are readable, because in a container another user
# reads them.
set -euo pipefail
umask 022
cd "$(dirname "$0")/../.."
# As Compose reads it: what is set in the shell wins over .env.
dir=${SECRETS_DIR:-$(sed -n 's/^SECRETS_DIR=//p' .env 2>/dev/null | tail -n 1)}
dir=${dir:-./secrets}

random() { od -An -N20 -tx1 /dev/urandom | tr -d ' \n'; }

external=" $(scripts/compose/external.sh | tr '\n' ' ') "
declare_secrets() { # calls $1 with each name, what it is for, and what to make up; blank: only you know it
  case $external in
    *' postgres '*)
      "$1" migration_database_url 'a login that may make roles: postgres://<user>:<password>@<host>:5432/pulse?sslmode=verify-full' ''
      "$1" etl_database_url "the ETL's login: postgres://pulse_etl:<password>@<host>:5432/pulse?sslmode=verify-full" ''
      "$1" postgres_ca 'the certificate of the CA of Postgres, in PEM; empty for a public one' ''
      ;;
    *)
      "$1" postgres_password 'the superuser of Postgres: any text' "$(random)"
      "$1" etl_database_url "the ETL's login: postgres://pulse_etl:<password>@postgres:5432/pulse" \
        "postgres://pulse_etl:$(random)@postgres:5432/pulse"
      ;;
  esac
  case $external in
    *' kafka '*)
      "$1" kafka_ca 'the certificate of the CA of Kafka, in PEM; empty for a public one' ''
      for program in topics producer etl; do
        "$1" "kafka_${program}_password" "Kafka's user of $program: its password" ''
      done
      ;;
  esac
  "$1" grafana_database_password "Grafana's login in the warehouse: any text" "$(random)"
  "$1" grafana_admin_password "Grafana's user admin: any text" "$(random)"
  "$1" console_password "operators of the ETL's console: at least 12 characters" "$(random)"
}

problems=0
secrets=0
check() {
  local file=$dir/$1
  secrets=$((secrets + 1))
  if [ ! -f "$file" ]; then
    echo "  $file is missing    $2" >&2
  elif [ "${1%_ca}" != "$1" ]; then
    return 0
  elif [ -z "$(tr -d '[:space:]' <"$file")" ]; then
    echo "  $file is blank      $2" >&2
  elif [ "${1%_database_url}" != "$1" ] && ! grep -q '^postgres\(ql\)\{0,1\}://[^:@/]\{1,\}:[^:@/]\{1,\}@' "$file"; then
    echo "  $file is not a URL with user and password    $2" >&2
  elif [ "$1" = console_password ] && [ "$(tr -d '[:space:]' <"$file" | wc -m)" -lt 12 ]; then
    echo "  $file is too short  $2" >&2
  else
    return 0
  fi
  problems=$((problems + 1))
}
make_up() {
  local file=$dir/$1
  if [ -s "$file" ]; then echo "$file: stays as it is"; return; fi
  if [ -z "$3" ]; then echo "$file: write it, $2"; return; fi
  printf '%s\n' "$3" >"$file"
  echo "$file: made up"
}

case ${1:-check} in
  check)
    declare_secrets check
    if [ "$problems" -gt 0 ]; then
      echo "$problems of $secrets production secrets are not usable. Write the files, or let make prod-secrets make them up." >&2
      exit 1
    fi
    ;;
  make)
    mkdir -p "$dir"
    chmod 700 "$dir"
    declare_secrets make_up
    ;;
  *) echo 'Usage: scripts/compose/secrets.sh check|make' >&2; exit 2 ;;
esac
