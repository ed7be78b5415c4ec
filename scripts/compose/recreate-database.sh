#!/usr/bin/env bash
# Drops the warehouse's database and makes it again, empty. Whoever uses it must be stopped before.
set -euo pipefail
"$(dirname "$0")/compose.sh" exec -T --user postgres postgres psql --username=postgres --dbname=postgres \
  --no-psqlrc --quiet --set=ON_ERROR_STOP=1 \
  --command='drop database if exists pulse with (force)' --command='create database pulse'
