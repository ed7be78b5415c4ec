#!/usr/bin/env bash
# Makes .env from .env.example where there is none, and gives every blank password in it a random one.
# What is set stays as it is; the file is readable for its owner only. The first argument is another
# directory than this checkout (for tests).
set -euo pipefail
umask 077
cd "${1:-$(dirname "$0")/../..}"
secrets='POSTGRES_PASSWORD PULSE_ETL_PASSWORD PULSE_GRAFANA_PASSWORD GRAFANA_ADMIN_PASSWORD CONSOLE_PASSWORD'

random() { od -An -N20 -tx1 /dev/urandom | tr -d ' \n'; }

new=.env.$$
trap 'rm -f "$new"' EXIT
if [ -f .env ]; then cat .env >"$new"; else cat .env.example >"$new"; echo '.env: made from .env.example'; fi
# A last line without its end would swallow what is added.
[ -z "$(tail -c 1 "$new")" ] || echo >>"$new"
for name in $secrets; do
  value=$(sed -n "s/^$name=//p" "$new" | tail -n 1 | tr -d "\"' \r")
  [ -z "$value" ] || continue
  if grep -q "^$name=" "$new"; then
    sed "s/^$name=.*/$name=$(random)/" "$new" >"$new.2" && mv "$new.2" "$new"
  else
    echo "$name=$(random)" >>"$new"
  fi
  echo ".env: $name was blank, now it is a random one"
done
chmod 600 "$new"
if [ -f .env ] && cmp -s "$new" .env; then chmod 600 .env; else mv "$new" .env; fi
