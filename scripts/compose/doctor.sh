#!/usr/bin/env bash
# make doctor: what this machine has, what is missing, and how to mend it. Changes nothing. ENV=prod looks
# at what production needs. Exit 1 when something would not work.
set -uo pipefail
cd "$(dirname "$0")/../.."
env=${ENV:-dev}
bad=0
ok() { echo "  ok    $1"; }
note() { echo "  note  $1"; echo "        → $2"; }
wrong() { echo "  BAD   $1"; echo "        → $2"; bad=$((bad + 1)); }
setting() { # NAME default
  local value=${!1:-}
  [ -n "$value" ] || value=$(sed -n "s/^$1=//p" .env 2>/dev/null | tail -n 1 | tr -d "\"'\r")
  echo "${value:-$2}"
}

echo "Global Sales Pulse $(sed -n 's/^ *"version": "\(.*\)",/\1/p' package.json | head -n 1), commit $(git rev-parse --short HEAD 2>/dev/null || echo unknown), ENV=$env"

echo Programs
docker=no
if problem=$(scripts/compose/need-docker.sh 2>&1); then
  docker=yes
  ok "Docker $(docker info --format '{{.ServerVersion}}'), Compose $(docker compose version --short)"
else
  wrong "$problem" 'without it: make demo and make test run on this machine, with Node and Java'
fi
if command -v node >/dev/null; then ok "Node $(node --version) (20 or newer; npm brings Node 24 itself)"
else note 'no Node' 'only needed to work without Docker: lint, tests and bench then run in the image'; fi

echo Machine
need=2
if [ "$env" = prod ]; then need=8; fi
if [ "$docker" = yes ]; then
  memory=$(($(docker info --format '{{.MemTotal}}') / 1000000000))
  if [ "$memory" -ge "$need" ]; then ok "$memory GB of memory for containers"
  else wrong "$memory GB of memory for containers, $need are needed" 'give the engine more, or lower KAFKA_HEAP_OPTS and the *_MEMORY settings in .env'; fi
  root=$(docker info --format '{{.DockerRootDir}}')
  [ -d "$root" ] || root=.
else root=.; fi
disk=$(df -Pk "$root" | awk 'NR == 2 { print int($4 / 1048576) }')
if [ "$disk" -ge 10 ]; then ok "$disk GB of disk free"
elif [ "$disk" -ge 3 ]; then note "$disk GB of disk free" 'enough to try it; docker system df shows what could go'
else wrong "$disk GB of disk free, 3 are needed" 'docker system prune removes what no container uses'; fi

echo Settings
if [ "$env" = prod ]; then
  if problem=$(scripts/compose/secrets.sh check 2>&1); then ok 'all secrets are there'
  else wrong "$problem" 'make prod-secrets'; fi
elif [ -f .env ]; then
  blank=$(for name in POSTGRES_PASSWORD PULSE_ETL_PASSWORD PULSE_GRAFANA_PASSWORD GRAFANA_ADMIN_PASSWORD CONSOLE_PASSWORD; do [ -n "$(setting $name '')" ] || echo "$name"; done | tr '\n' ' ')
  if [ -z "$blank" ]; then ok '.env has every password'; else note ".env: $blank blank" 'make dev-up fills them'; fi
  if [ -z "$(find .env -perm /077 2>/dev/null)" ]; then ok '.env is readable for its owner only'
  else wrong '.env is readable for others' 'chmod 600 .env'; fi
else note 'no .env' 'make dev-up makes it'; fi

if [ "$docker" = yes ]; then
  echo Ports
  ours=$(docker ps --filter "label=com.docker.compose.project=global-sales-pulse" --format '{{.Ports}}')
  ports='KAFKA_PORT:9092 POSTGRES_PORT:5433 ETL_PORT:8080 GRAFANA_PORT:3000'
  if [ "$env" = prod ]; then
    ports=''
    [ -z "$(setting SITE_ADDRESS '')$(setting CONSOLE_ADDRESS '')" ] || ports='HTTP_REDIRECT_PORT:80 HTTPS_PORT:443'
    ours=$(docker ps --filter "label=com.docker.compose.project=global-sales-pulse-prod" --format '{{.Ports}}')
  fi
  [ -n "$ports" ] || ok 'none is published'
  for pair in $ports; do
    name=${pair%:*} port=$(setting "${pair%:*}" "${pair#*:}")
    if echo "$ours" | grep -q ":$port->"; then ok "$port ($name) is ours already"
    elif (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then wrong "$port ($name) is taken by another program" "set $name to another port in .env"
    else ok "$port ($name) is free"; fi
  done

  echo Data
  project=global-sales-pulse
  if [ "$env" = prod ]; then project=global-sales-pulse-prod; fi
  volume=${project}_postgres-data
  if docker volume inspect "$volume" >/dev/null 2>&1; then
    image=$(scripts/compose/compose.sh config --images 2>/dev/null | grep '^postgres:' | head -n 1)
    image=${image:-postgres:17}
    found=$(docker run --rm --network none --volume "$volume:/data:ro" --entrypoint cat "$image" /data/PG_VERSION 2>/dev/null)
    wanted=$(echo "$image" | sed 's/^postgres:\([0-9]*\).*/\1/')
    if [ -z "$found" ] || [ "$found" = "$wanted" ]; then ok "volume $volume: Postgres ${found:-not initialised yet}"
    else wrong "volume $volume is of Postgres $found, the image is $wanted" 'docs/OPERATIONS.md, "Another major version of Postgres"'; fi
  else ok 'no warehouse yet'; fi
  unhealthy=$(docker ps --all --filter "label=com.docker.compose.project=$project" --filter health=unhealthy --format '{{.Names}}' | tr '\n' ' ')
  if [ -n "$unhealthy" ]; then wrong "unhealthy: $unhealthy" 'docker logs <name>, last lines'; fi
fi

echo
if [ "$bad" -eq 0 ]; then echo 'All is well.'; else echo "$bad to mend."; exit 1; fi
